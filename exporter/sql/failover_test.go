package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// through returns the connection string that leads to a server through a proxy.
func through(t *testing.T, at string, proxy *testenv.Proxy) string {
	t.Helper()
	u := parse(t, at)
	u.Host = proxy.Addr()
	return u.String()
}

// The address of the server leads to its hot standby for three seconds, as
// behind HAProxy after a switch-over that was undone.
func TestStandbyBehindTheAddress(t *testing.T) {
	t.Parallel()
	primary := testenv.StartPostgreSQL(t)
	standby := testenv.StartStandby(t, primary)
	proxy := testenv.NewProxy(t, primary.Addr())
	faults.Passing{
		Store:  open(t, through(t, primary.PostgreSQL(), proxy)),
		Direct: func() *store.Store { return open(t, primary.PostgreSQL()) },
		Enter:  func(*testing.T) { proxy.Switch(standby.Addr()) },
		Leave:  func(*testing.T) { proxy.Switch(primary.Addr()) },
	}.Test(t)
}

// The primary is lost, and its synchronous standby takes over after three
// seconds. The standby has everything that the primary acknowledged.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	primary := testenv.StartPostgreSQL(t, "-c", "synchronous_standby_names=standby", "-c", "synchronous_commit=local")
	open(t, primary.PostgreSQL()) // makes the table
	standby := testenv.StartStandby(t, primary)
	// From here on, sessions wait for the standby.
	execute(t, foreign(t, primary.PostgreSQL()), "ALTER DATABASE postgres SET synchronous_commit = on")
	proxy := testenv.NewProxy(t, primary.Addr())
	faults.Passing{
		Store:  open(t, through(t, primary.PostgreSQL(), proxy)),
		Direct: func() *store.Store { return open(t, standby.PostgreSQL()) },
		Enter: func(*testing.T) {
			primary.Kill()
			proxy.Switch(standby.Addr())
		},
		Leave: func(*testing.T) { standby.Promote() },
	}.Test(t)
}

// A balancer that does not end sessions leaves connections at a server that
// accepts no writes any more, while new connections lead to the server that
// does.
func TestConnectionsStayAtAReadOnlyServer(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (writable, readOnly *testenv.Server, at string){
		"postgresql": func(t *testing.T) (writable, readOnly *testenv.Server, at string) {
			primary := testenv.StartPostgreSQL(t)
			open(t, primary.PostgreSQL()) // makes the table, which a standby copies
			return primary, testenv.StartStandby(t, primary), primary.PostgreSQL()
		},
		"mariadb": func(t *testing.T) (writable, readOnly *testenv.Server, at string) {
			writable, readOnly = testenv.StartMariaDB(t), testenv.StartMariaDB(t)
			for _, server := range []*testenv.Server{writable, readOnly} {
				open(t, server.MariaDB()) // makes the table
				execute(t, foreign(t, server.MariaDB()), "CREATE USER plain IDENTIFIED BY '"+testenv.Password+"'", "GRANT ALL ON osp.* TO plain")
			}
			execute(t, foreign(t, readOnly.MariaDB()), "SET GLOBAL read_only = 1")
			return writable, readOnly, strings.Replace(writable.MariaDB(), "//"+testenv.User+":", "//plain:", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			writable, readOnly, at := start(t)
			proxy := testenv.NewProxy(t, writable.Addr())
			s := open(t, through(t, at, proxy))
			proxy.Switch(readOnly.Addr())
			for range 8 { // the store's connections lead to the server that is read only
				err := s.Write(t.Context(), numbered(1))
				var failed *store.WriteError
				if !errors.As(err, &failed) || !failed.Transient {
					t.Fatalf("the server that is read only answers %v", err)
				}
			}
			proxy.Redirect(writable.Addr())
			batch := numbered(3)
			if err := (store.Retry{Elapsed: 2 * time.Minute}).Write(t.Context(), s, batch); err != nil {
				t.Fatal(err)
			}
			if got := names(t, open(t, at), "A"); len(got) != len(batch) {
				t.Errorf("stored are %q", got)
			}
		})
	}
}

// A session keeps the default with which it began, even after the database has
// another default.
func TestSessionsKeepADefault(t *testing.T) {
	at := testenv.PostgreSQL(t)
	s := open(t, at)
	db := foreign(t, at)
	database := `"` + strings.Trim(parse(t, at).Path, "/") + `"`
	execute(t, db, "ALTER DATABASE "+database+" SET default_transaction_read_only = on",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	var failed *store.WriteError
	for !errors.As(s.Write(t.Context(), numbered(1)), &failed) || !strings.Contains(failed.Error(), "only read") {
		if t.Context().Err() != nil {
			t.Fatal("the database is never read only")
		}
	}
	execute(t, db, "SET default_transaction_read_only = off", "ALTER DATABASE "+database+" RESET default_transaction_read_only")
	if err := (store.Retry{Elapsed: 2 * time.Minute}).Write(t.Context(), s, numbered(3)); err != nil {
		t.Fatal(err)
	}
}

// A server ends idle connections without notice. Closing the store is not an
// error then.
func TestCloseAfterIdleConnectionsEnded(t *testing.T) {
	t.Parallel()
	server := testenv.StartMariaDB(t, "--wait-timeout=1")
	db := foreign(t, server.MariaDB())
	s, err := openAt(t.Context(), server.MariaDB())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), numbered(1)); err != nil {
		t.Fatal(err)
	}
	for {
		got := strs(t, db, "SELECT CAST(count(*) AS CHAR) FROM information_schema.processlist WHERE user = '"+testenv.User+"' AND id <> connection_id()")
		if got[0] == "0" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The SDK exports one span while the address leads to the standby, as in case
// 02. The export waits for the primary.
func TestSpanDuringSwitchOver(t *testing.T) {
	t.Parallel()
	primary := testenv.StartPostgreSQL(t)
	standby := testenv.StartStandby(t, primary)
	proxy := testenv.NewProxy(t, primary.Addr())
	exp, err := exporter.Open(t.Context(), through(t, primary.PostgreSQL(), proxy), exporter.WithProject("p"), exporter.WithService("s"))
	if err != nil {
		t.Fatal(err)
	}
	var failed errorsOf
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(failing{exp, &failed}), sdktrace.WithSampler(bridge.NewSampler(nil)))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(tp), bridge.WithKeys(bridge.NewKeys("key")))
	id := osprofiler.NewID()
	ctx := profiler.Init(t.Context(), id, "")
	one := func(name string) {
		_, op := profiler.Start(ctx, name, "")
		op.Stop("")
	}
	one("before")
	proxy.Switch(standby.Addr())
	back := time.AfterFunc(3*time.Second, func() { proxy.Switch(primary.Addr()) })
	one("during")
	if back.Stop() {
		t.Error("the export ended before the primary was back")
	}
	one("after")
	if err := tp.Shutdown(t.Context()); err != nil || len(failed) > 0 {
		t.Errorf("exports failed: %v; Shutdown: %v", failed, err)
	}
	got := strings.Join(names(t, open(t, primary.PostgreSQL()), id), " ")
	if want := "before-start before-stop during-start during-stop after-start after-stop"; got != want {
		t.Errorf("the store has %q, want %q", got, want)
	}
}

type errorsOf []error

// failing records the errors of exports.
type failing struct {
	sdktrace.SpanExporter
	errors *errorsOf
}

// ExportSpans implements sdktrace.SpanExporter.
func (f failing) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := f.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		*f.errors = append(*f.errors, err)
	}
	return err
}

// A node of Galera loses its quorum, and regains it after three seconds. The
// node answers commits with error 1180 when the quorum is lost, and then all
// statements with 1047.
func TestGaleraWithoutQuorum(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]struct {
		lose, regain func(first, second *testenv.Server)
	}{
		"the other node is killed": {
			func(_, second *testenv.Server) { second.Kill() },
			func(first, _ *testenv.Server) { first.Bootstrap() },
		},
		"the other node halts": {
			func(_, second *testenv.Server) { second.Stop() },
			func(_, second *testenv.Server) { second.Continue() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // both mostly wait
			first := testenv.StartGalera(t)
			second := testenv.StartGaleraNode(t, first)
			faults.Passing{
				Store:  open(t, first.MariaDB()),
				Direct: func() *store.Store { return open(t, first.MariaDB()) },
				Enter:  func(*testing.T) { lose.lose(first, second) },
				Leave: func(t *testing.T) {
					lose.regain(first, second)
					awaitReady(t, first)
				},
			}.Test(t)
		})
	}
}

// awaitReady waits until a node of Galera accepts statements.
func awaitReady(t *testing.T, node *testenv.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	db := foreign(t, node.MariaDB())
	for db.QueryRowContext(ctx, "SELECT count(*) FROM data").Scan(new(int)) != nil {
		if ctx.Err() != nil {
			t.Fatal("the node takes no statements:", node.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A node of Galera refuses statements for three seconds, as it does while it
// joins. Its transactions stay open meanwhile, because even ROLLBACK is
// refused.
func TestGaleraRefusesStatements(t *testing.T) {
	t.Parallel()
	node := testenv.StartGalera(t)
	admin := foreign(t, node.MariaDB())
	set := func(value string) func(*testing.T) {
		return func(t *testing.T) { execute(t, admin, "SET GLOBAL wsrep_reject_queries = "+value) }
	}
	for _, refuse := range []string{"ALL", "ALL_KILL"} { // with ALL_KILL connections are also killed
		t.Run(refuse, func(t *testing.T) {
			execute(t, admin, "DROP TABLE IF EXISTS data")
			faults.Passing{
				Store:  open(t, node.MariaDB()),
				Direct: func() *store.Store { return open(t, node.MariaDB()) },
				Enter: func(t *testing.T) {
					killed, err := sql.Open("mysql", dsn(t, node.MariaDB()))
					if err != nil {
						t.Fatal(err)
					}
					defer killed.Close()
					_, _ = killed.ExecContext(t.Context(), "SET GLOBAL wsrep_reject_queries = "+refuse) // this may kill this connection too
				},
				Leave: set("NONE"),
			}.Test(t)
		})
	}
}
