package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// servers are where an empty database is to be had.
var servers = map[string]func(testing.TB) string{"postgresql": testenv.PostgreSQL, "mariadb": testenv.MariaDB}

func TestStore(t *testing.T) {
	for name, place := range servers {
		t.Run(name, func(t *testing.T) { storetest.Run(t, storetest.Harness{Place: place}) })
	}
}

func onServers(t *testing.T, test func(t *testing.T, name, at string)) {
	for name, place := range servers {
		t.Run(name, func(t *testing.T) { test(t, name, place(t)) })
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

// foreign opens the database as somebody else would.
func foreign(t testing.TB, at string) *sql.DB {
	t.Helper()
	u := parse(t, at)
	var db *sql.DB
	var err error
	if u.Scheme == "postgresql" {
		db, err = sql.Open("pgx", at)
	} else {
		c := driver.NewConfig()
		c.Net, c.Addr, c.User, c.DBName = "tcp", u.Host, u.User.Username(), strings.Trim(u.Path, "/")
		c.Passwd, _ = u.User.Password()
		db, err = sql.Open("mysql", c.FormatDSN())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func open(t testing.TB, at string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), at)
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

func names(t testing.TB, s store.Store, baseID string) (all []string) {
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

// The table is the one that upstream's driver made, as the server itself tells it.
func TestSchema(t *testing.T) {
	t.Run("postgresql", func(t *testing.T) {
		at := testenv.PostgreSQL(t)
		open(t, at)
		db := foreign(t, at)
		columns := "\n" + strings.Join(strs(t, db, `SELECT '    ' || quote_ident(attname) || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
			FROM pg_attribute WHERE attrelid = 'data'::regclass AND attnum > 0 ORDER BY attnum`), ",\n") + "\n"
		text := read(t, "testdata/postgresql.sql")
		if !strings.Contains(text, "CREATE TABLE public.data ("+columns+");") {
			t.Errorf("the columns are %s, want those of\n%s", columns, text)
		}
		want := regexp.MustCompile(`(?m)^CREATE INDEX.*;$`).FindAllString(text, -1)
		for i := range want {
			want[i] = strings.TrimSuffix(want[i], ";")
		}
		got := strs(t, db, `SELECT indexdef FROM pg_indexes WHERE tablename = 'data' AND indexname <> 'data_pkey'`)
		sameSet(t, got, want)
		sameSet(t, strs(t, db, `SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'data'::regclass`), []string{"nextval('data_id_seq'::regclass)"})
	})
	t.Run("mariadb", func(t *testing.T) {
		at := testenv.MariaDB(t)
		db := foreign(t, at)
		execute(t, db, "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci") // as the captured one
		open(t, at)
		var name, got string
		if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE data").Scan(&name, &got); err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(` AUTO_INCREMENT=\d+`).ReplaceAllString(read(t, "testdata/mysql.sql"), "")
		sameSet(t, lines(got), lines(want))
	})
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func lines(text string) (all []string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		all = append(all, strings.TrimRight(line, ",;\n"))
	}
	return all
}

func sameSet(t testing.TB, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// In the table too an equal row is there once.
func TestSameBatchIsStoredOnce(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		batch := []osprofiler.Notification{event("A", "x-start"), event("A", "y-start")}
		upper := batch[0]
		upper.Name = "X-start" // equal only to a collation
		for range 2 {
			if err := s.Write(t.Context(), append(batch, batch[0], upper)); err != nil {
				t.Fatal(err)
			}
		}
		if got := strs(t, foreign(t, at), "SELECT name FROM data ORDER BY id"); !slices.Equal(got, []string{"x-start", "y-start", "X-start"}) {
			t.Errorf("the table has %q", got)
		}
	})
}

// The database's character set need not have all characters.
func TestPoorAlphabets(t *testing.T) {
	for _, set := range []string{"latin1", "utf8mb3", "ascii", "utf8mb4"} {
		t.Run(set, func(t *testing.T) {
			at := testenv.MariaDB(t)
			db := foreign(t, at)
			execute(t, db, "ALTER DATABASE CHARACTER SET "+set)
			s := open(t, at)
			var want []osprofiler.Notification
			for _, text := range []string{"é", "ł", "😀", "é😀-start", "\u0080"} {
				n := event("base "+text, text)
				n.Service, n.Project, n.TraceID = text, text, text
				n.Info = osprofiler.Info(`{"host": "` + text + `"}`)
				want = append(want, n)
			}
			if err := s.Write(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			for _, n := range want {
				count := 0
				for got, err := range s.Notifications(t.Context(), n.BaseID) {
					if count++; err != nil || !got.Equal(n) {
						t.Errorf("%s: got %s (%v)", n.JSON(), got.JSON(), err)
					}
				}
				if count != 1 {
					t.Errorf("%q: %d came", n.BaseID, count)
				}
			}
			listed := 0
			for trace, err := range s.Traces(t.Context(), store.Query{}) {
				if listed++; err != nil || !slices.ContainsFunc(want, func(n osprofiler.Notification) bool { return n.BaseID == trace.BaseID }) {
					t.Errorf("listed %+v (%v)", trace, err)
				}
			}
			if listed != len(want) {
				t.Errorf("%d of %d traces are listed", listed, len(want))
			}
		})
	}
}

// What is refused is said in one sentence, without the password.
func TestRefused(t *testing.T) {
	onServers(t, func(t *testing.T, name, at string) {
		u := parse(t, at)
		const secret = "geheim-4712"
		with := func(change func(u *url.URL)) string {
			other := *u
			change(&other)
			return other.String()
		}
		user := u.User.Username()
		product := map[string]string{"postgresql": "PostgreSQL", "mariadb": "MySQL"}[name]
		for _, c := range []struct{ at, want string }{
			{with(func(u *url.URL) { u.User = url.UserPassword(user, secret) }), product + " at " + u.Host + " refuses the user \"" + user + "\": "},
			{with(func(u *url.URL) { u.User = url.UserPassword("nobody", secret) }), product + " at " + u.Host + " refuses the user \"nobody\": "},
			{with(func(u *url.URL) { u.Path = "/osp_none" }), product + " at " + u.Host + " has no database \"osp_none\""},
			{with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "cannot connect to " + product + " at 127.0.0.1:1: connection refused"},
			{with(func(u *url.URL) { u.Host = "no-such-host.invalid" }), "cannot connect to " + product + " at no-such-host.invalid:"},
			{with(func(u *url.URL) { u.RawQuery = "geheim=geheim-4712" }), `unknown option "geheim" of the connection string; this back end knows `},
			{with(func(u *url.URL) { u.RawQuery = "osp_busy_timeout=soon" }), "option osp_busy_timeout=soon of the connection string should be a time"},
			{with(func(u *url.URL) { u.RawQuery = "osp_read_only" }), "the database " + `"` + strings.Trim(u.Path, "/") + `" at ` + u.Host + " holds no traces: it has no table data"},
		} {
			s, err := store.Open(t.Context(), c.at)
			if err == nil {
				s.Close()
				t.Errorf("%s was opened", c.want)
				continue
			}
			if got := err.Error(); !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\n") || strings.Contains(got, secret) || strings.Contains(got, testenv.Password) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		}
		if tables := strs(t, foreign(t, at), "SELECT table_name FROM information_schema.tables WHERE table_name = 'data' AND table_schema IN ('public', '"+strings.Trim(u.Path, "/")+"')"); len(tables) != 0 {
			t.Errorf("a refused connection string made tables: %q", tables)
		}
	})
}

// minimal are the statements of docs/stores/sql.md.
var minimal = map[string]map[string][]string{
	"postgresql": {
		"writer": {"CREATE USER ACCOUNT PASSWORD 'pw'", "GRANT SELECT, INSERT ON data TO ACCOUNT", "GRANT USAGE ON SEQUENCE data_id_seq TO ACCOUNT"},
		"reader": {"CREATE USER ACCOUNT PASSWORD 'pw'", "GRANT SELECT ON data TO ACCOUNT"},
		"drop":   {"DROP OWNED BY ACCOUNT", "DROP USER ACCOUNT"},
	},
	"mariadb": {
		"writer": {"CREATE USER ACCOUNT IDENTIFIED BY 'pw'", "GRANT SELECT, INSERT ON DATABASE.data TO ACCOUNT"},
		"reader": {"CREATE USER ACCOUNT IDENTIFIED BY 'pw'", "GRANT SELECT ON DATABASE.data TO ACCOUNT"},
		"drop":   {"DROP USER ACCOUNT"},
	},
}

// The rights that the docs name are enough, and what they do not allow is an
// error that says so.
func TestMinimalRights(t *testing.T) {
	onServers(t, func(t *testing.T, name, at string) {
		owner := open(t, at)
		if err := owner.Write(t.Context(), []osprofiler.Notification{event("A", "x-start")}); err != nil {
			t.Fatal(err)
		}
		u := parse(t, at)
		database := strings.Trim(u.Path, "/")
		db := foreign(t, at)
		run := func(what, account string) {
			for _, statement := range minimal[name][what] {
				execute(t, db, strings.NewReplacer("ACCOUNT", account, "DATABASE", database).Replace(statement))
			}
		}
		roles := []string{"writer", "reader"}
		defer func() {
			for _, role := range roles {
				run("drop", role+"_"+database)
			}
		}()
		for _, role := range roles {
			account := role + "_" + database
			run(role, account)
			u.User = url.UserPassword(account, "pw")
			s, err := store.Open(t.Context(), u.String())
			if role == "writer" {
				if err == nil {
					err = errors.Join(s.Write(t.Context(), []osprofiler.Notification{event("A", "y-start")}), s.Close())
				}
				if err != nil {
					t.Errorf("%s: %v", role, err)
				}
				continue
			}
			if want := fmt.Sprintf(`the user %q lacks a right in the database %q at %s: `, account, database, u.Host); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			q := u.Query()
			q.Set("osp_read_only", "yes")
			u.RawQuery = q.Encode()
			if got := names(t, open(t, u.String()), "A"); len(got) != 2 {
				t.Errorf("%s reads %q", role, got)
			}
		}
	})
}

// A table of another kind is none of ours.
func TestWrongTable(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		execute(t, foreign(t, at), "CREATE TABLE data (id INTEGER, x INTEGER)")
		for _, options := range []string{"", "osp_read_only"} {
			u := parse(t, at)
			u.RawQuery = options
			_, err := store.Open(t.Context(), u.String())
			if err == nil || !strings.HasPrefix(err.Error(), "the table data of the database ") || !strings.Contains(err.Error(), " is not OSProfiler's, whose columns are id, timestamp, ") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// Many that come at once make the table once.
func TestOpenedAtOnce(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				s, err := store.Open(t.Context(), at)
				if err == nil {
					err = errors.Join(s.Write(t.Context(), []osprofiler.Notification{event("A", fmt.Sprint(i))}), s.Close())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := names(t, open(t, at), "A"); len(got) != 8 {
			t.Errorf("got %q", got)
		}
	})
}

// What was acknowledged outlives a server that is killed while it is written,
// and is there once.
func TestServerKilled(t *testing.T) {
	for name, start := range map[string]func() (*testenv.Server, string){
		"postgresql": func() (*testenv.Server, string) { s := testenv.StartPostgreSQL(t); return s, s.PostgreSQL() },
		"mariadb":    func() (*testenv.Server, string) { s := testenv.StartMariaDB(t); return s, s.MariaDB() },
	} {
		t.Run(name, func(t *testing.T) {
			server, at := start()
			s := open(t, at)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			const writers, each = 4, 40
			var group sync.WaitGroup
			acknowledged := make(chan int, writers*each)
			for w := range writers {
				group.Go(func() {
					for b := range each {
						batch := make([]osprofiler.Notification, 25)
						for i := range batch {
							batch[i] = event("A", fmt.Sprintf("%d-%d-%d", w, b, i))
						}
						if err := (store.Retry{}).Write(ctx, s, batch); err != nil {
							t.Errorf("in spite of retries: %v", err)
							continue
						}
						acknowledged <- len(batch)
					}
				})
			}
			time.Sleep(100 * time.Millisecond)
			server.Kill()
			err := s.Write(ctx, []osprofiler.Notification{event("B", "x")})
			var transient *store.WriteError
			if !errors.As(err, &transient) || !transient.Transient {
				t.Errorf("without the server Write says %v", err)
			}
			server.Restart()
			group.Wait()
			want := 0
			for range len(acknowledged) {
				want += <-acknowledged
			}
			got := names(t, s, "A")
			slices.Sort(got)
			if len(got) != want || len(slices.Compact(got)) != want || want != writers*each*25 {
				t.Errorf("%d notifications are there, %d acknowledged", len(got), want)
			}
		})
	}
}

// A server that does not answer holds nobody past the context.
func TestStoppedServer(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		u := parse(t, at)
		proxy := testenv.NewProxy(t, u.Host)
		u.Host = proxy.Addr()
		s := open(t, u.String())
		if err := s.Write(t.Context(), []osprofiler.Notification{event("A", "x")}); err != nil {
			t.Fatal(err)
		}
		proxy.Blackhole(true)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := s.Write(ctx, []osprofiler.Notification{event("A", "y")})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 5*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		proxy.Blackhole(false)
		proxy.Reset()
		if err := (store.Retry{}).Write(t.Context(), s, []osprofiler.Notification{event("A", "z")}); err != nil {
			t.Error(err)
		}
	})
}

// A row that is committed after one with a larger id is not missed by who goes
// on from there.
func TestCommittedLate(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		write := func(name string) {
			t.Helper()
			if err := s.Write(t.Context(), []osprofiler.Notification{event("A", name)}); err != nil {
				t.Fatal(err)
			}
		}
		var cursor store.Cursor
		changes := func() (all []string) {
			t.Helper()
			for c, err := range s.(store.Changer).Changes(t.Context(), cursor) {
				if err != nil {
					t.Fatal(err)
				}
				all, cursor = append(all, c.Name), c.Cursor
			}
			return all
		}
		const late = `INSERT INTO data (base_id, name, data) VALUES ('A', 'late', '"{}"')`
		write("first")
		tx, err := foreign(t, at).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := tx.ExecContext(t.Context(), late); err != nil {
				t.Fatal(err)
			}
		}
		write("second")
		if got := changes(); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("before the commit came %q", got)
		}
		if got := changes(); len(got) != 0 {
			t.Errorf("behind the end came %q", got)
		}
		write("third")
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := changes(); !slices.Equal(got, []string{"late", "late", "late", "third"}) {
			t.Errorf("after the commit came %q", got)
		}
		if got := changes(); len(got) != 0 || strings.Count(string(cursor), ":") != 2 {
			t.Errorf("then came %q, and the cursor is %s", got, cursor)
		}
	})
}

// TLS makes sure of the server where the connection string says so, and is an
// error where it cannot.
func TestTLS(t *testing.T) {
	t.Run("postgresql", func(t *testing.T) {
		c := testenv.NewCertificates(t, "postgres")
		at := testenv.StartPostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+c.Server, "-c", "ssl_key_file="+c.Key).PostgreSQL()
		secured(t, at+"?sslmode=verify-full&sslrootcert="+c.Authority)
		refused(t, at+"?sslmode=verify-full", "cannot connect to PostgreSQL at ")
		refused(t, testenv.PostgreSQL(t)+"?sslmode=require", "cannot connect to PostgreSQL at ")
	})
	t.Run("mariadb", func(t *testing.T) {
		c := testenv.NewCertificates(t, "")
		at := testenv.StartMariaDB(t, "--ssl-cert="+c.Server, "--ssl-key="+c.Key).MariaDB()
		for _, options := range []string{"&ssl_ca=" + c.Authority, "&ssl_ca=" + c.Authority + "&ssl_check_hostname=false", "&ssl_mode=required", ""} {
			secured(t, at+options)
		}
		refused(t, at+"&ssl_mode=VERIFY_IDENTITY", "cannot connect to MySQL at ")
		refused(t, at+"&ssl_mode=VERIFY_CA", "cannot connect to MySQL at ")
		refused(t, at+"&ssl_mode=sure", "TLS for MySQL: ssl_mode=sure should be DISABLED, ")
		refused(t, at+"&ssl_ca=/none.pem", "TLS for MySQL: ssl_ca: open /none.pem: no such file")
		refused(t, testenv.MariaDB(t)+"&ssl_mode=REQUIRED", "the server at ")
	})
}

func secured(t *testing.T, at string) {
	t.Helper()
	s := open(t, at)
	if err := s.Write(t.Context(), []osprofiler.Notification{event("A", "x-start")}); err != nil {
		t.Error(err)
	}
}

func refused(t *testing.T, at, want string) {
	t.Helper()
	s, err := store.Open(t.Context(), at)
	if err == nil {
		s.Close()
		t.Fatalf("opened, want: %s", want)
	}
	if got := err.Error(); !strings.HasPrefix(got, want) || strings.Contains(got, testenv.Password) || strings.Contains(got, "\n") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
