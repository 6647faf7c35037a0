package sql_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A server or a proxy may end idle connections. Nothing is lost then, and closing
// the store is not an error.
func TestIdleConnectionsAreEnded(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, name, at string) {
		for how, end := range map[string]func(*testing.T, string, string) (string, func()){
			"by the server's timeout": timeoutOfServer,
			"by an administrator":     administrator,
			"by a proxy":              endedByProxy,
		} {
			t.Run(how, func(t *testing.T) {
				mine, ended := end(t, name, at)
				for _, again := range []bool{false, true} {
					s, err := store.Open(t.Context(), mine)
					if err != nil {
						t.Fatal(err)
					}
					writeOne(t, s, "before")
					ended()
					if again {
						writeOne(t, s, "after")
						ended()
					}
					if err := s.Close(); err != nil {
						t.Errorf("written again: %v: %v", again, err)
					}
				}
			})
		}
	})
}

func writeOne(t *testing.T, s *store.Store, name string) {
	t.Helper()
	n := osprofiler.Notification{BaseID: name, TraceID: name, ParentID: name, Name: name + "-start", Timestamp: "2026-01-02T03:04:05.000000"}
	if err := (store.Retry{}).Write(t.Context(), s, []osprofiler.Notification{n}); err != nil {
		t.Fatal(err)
	}
}

// sessionsLeft returns how many other sessions of the database there are.
func sessionsLeft(t *testing.T, db *sql.DB, name string) (n int) {
	t.Helper()
	query := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	if name == "mariadb" {
		query = "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
	}
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// untilAlone waits until there is no other session.
func untilAlone(t *testing.T, db *sql.DB, name string) {
	t.Helper()
	for range 1000 {
		if sessionsLeft(t, db, name) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("sessions are left")
}

// timeoutOfServer returns a connection string whose sessions the server ends when
// they are idle for a second, and a function that waits for that.
func timeoutOfServer(t *testing.T, name, at string) (mine string, ended func()) {
	db := foreign(t, at)
	db.SetMaxOpenConns(1)
	option := "options=-c idle_session_timeout=1000"
	if name == "mariadb" {
		option = "init_command=SET SESSION wait_timeout=1"
	}
	separator := "?"
	if strings.Contains(at, "?") {
		separator = "&"
	}
	return at + separator + option, func() { untilAlone(t, db, name) }
}

// administrator returns the connection string, and a function that ends the
// sessions.
func administrator(t *testing.T, name, at string) (mine string, ended func()) {
	db := foreign(t, at)
	db.SetMaxOpenConns(1)
	return at, func() {
		if sessionsLeft(t, db, name) == 0 {
			t.Error("there is no connection to end")
		}
		if name == "postgresql" {
			execute(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		} else {
			for _, id := range ids(t, db, "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()") {
				execute(t, db, fmt.Sprintf("KILL CONNECTION %d", id))
			}
		}
		untilAlone(t, db, name)
	}
}

// endedByProxy returns a connection string through a proxy, and a function that
// makes the proxy reset its connections.
func endedByProxy(t *testing.T, _, at string) (mine string, ended func()) {
	u := parse(t, at)
	proxy := testenv.NewProxy(t, u.Host)
	u.Host = proxy.Addr()
	return u.String(), func() {
		proxy.Reset()
		time.Sleep(50 * time.Millisecond) // the resets arrive, or the next writes meet them
	}
}

func ids(t *testing.T, db *sql.DB, query string) (ids []int64) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}
