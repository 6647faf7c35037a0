package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schemes are the schemes of the servers' connection strings.
var schemes = map[string]string{"postgresql": "postgresql", "mariadb": "mysql"}

// The functions in servers return the connection string of an empty database.
var servers = map[string]func(testing.TB) string{"postgresql": testenv.PostgreSQL, "mariadb": testenv.MariaDB}

func TestStore(t *testing.T) {
	for name, place := range servers {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, storetest.Harness{
				Place:       place,
				Unreachable: func(testing.TB) string { return schemes[name] + "://u:p@127.0.0.1:1/d" },
			})
		})
	}
}

func onServers(t *testing.T, test func(t *testing.T, name, at string)) {
	for name, place := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each subtest waits for its server
			test(t, name, place(t))
		})
	}
}

func parse(t testing.TB, at string) *url.URL {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// foreign opens the database as another program would.
func foreign(t testing.TB, at string) *sql.DB {
	t.Helper()
	u := parse(t, at)
	var db *sql.DB
	var err error
	if u.Scheme == "postgresql" {
		db, err = sql.Open("pgx", at)
	} else {
		db, err = sql.Open("mysql", dsn(t, at))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// dsn converts a connection string to the form of MySQL's driver.
func dsn(t testing.TB, at string) string {
	t.Helper()
	u := parse(t, at)
	c := driver.NewConfig()
	c.Net, c.Addr, c.User, c.DBName = "tcp", u.Host, u.User.Username(), strings.Trim(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	return c.FormatDSN()
}

func execute(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// openAt opens a store and makes its table, like a program that checks its
// stores when it starts.
func openAt(ctx context.Context, at string) (*store.Store, error) {
	s, err := store.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(t testing.TB, at string) *store.Store {
	t.Helper()
	s, err := openAt(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func event(baseID, name string) osprofiler.Notification {
	return osprofiler.Notification{
		Name: name, BaseID: baseID, TraceID: osprofiler.NewID(), ParentID: baseID,
		Timestamp: "2024-05-06T07:08:09.000010", Info: `{"host": "h"}`, Project: "p", Service: "s",
	}
}

func names(t testing.TB, s *store.Store, baseID string) (all []string) {
	t.Helper()
	for n, err := range s.Notifications(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n.Name)
	}
	return all
}

func strs(t testing.TB, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}
