package sql_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A batch that is written through PgBouncer while the pooler or the server
// behind it is in a state that passes is stored by the default retry, each
// notification once. PgBouncer uses the code 08P01 for nearly all its errors.
func TestPassingStatesOfPgBouncer(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgreSQL(t, "-c", "fsync=off")
	pooler := testenv.StartPgBouncer(t, server)
	standby := testenv.StartStandby(t, server)
	console := func(statements ...string) func(*testing.T, *stateCase) {
		return func(t *testing.T, _ *stateCase) {
			for _, statement := range statements {
				if err := atConsole(pooler, statement); err != nil {
					t.Errorf("%s: %v", statement, err)
				}
			}
		}
	}
	console("SET server_login_retry = 1")(t, nil) // the pooler tries a lost server again after a second, not after 15
	for _, state := range []passingState{
		{
			name:  "the server is killed",
			enter: func(*testing.T, *stateCase) { server.Kill() },
			leave: func(*testing.T, *stateCase) { server.Restart() },
		},
		{
			name: "the pooler is killed", code: "lost",
			enter: func(*testing.T, *stateCase) { pooler.Kill() },
			leave: func(*testing.T, *stateCase) { pooler.Restart() },
		},
		{
			name: "no more clients are allowed", code: "08P01",
			enter: func(t *testing.T, c *stateCase) {
				if err := foreign(t, pooler.PostgreSQL()).PingContext(t.Context()); err != nil { // the pooler keeps its connection
					t.Fatal(err)
				}
				console("SET max_client_conn = 1")(t, c)
				c.proxy.Reset()
			},
			leave: console("SET max_client_conn = 500"),
		},
		{name: "the pooler is paused", enter: console("PAUSE"), leave: console("RESUME")},
		{
			name:  "the database is disabled",
			enter: func(t *testing.T, c *stateCase) { console("DISABLE postgres")(t, c); c.proxy.Reset() },
			leave: console("ENABLE postgres"),
		},
		{
			name: "sessions are killed", code: "08P01",
			enter: console("KILL postgres", "RESUME postgres"),
			leave: func(*testing.T, *stateCase) {},
		},
		{
			name: "queries wait too long", code: "08P01",
			enter: console("SET query_wait_timeout = 1", "PAUSE"),
			leave: console("RESUME", "SET query_wait_timeout = 120"),
		},
		{
			// The state is the same as after a switch-over that was undone.
			name: "the standby stands behind the pooler", code: "25006",
			enter: func(t *testing.T, _ *stateCase) { pointTo(t, pooler, standby) },
			leave: func(t *testing.T, _ *stateCase) { pointTo(t, pooler, server) },
		},
	} {
		t.Run(state.name, func(t *testing.T) {
			db := foreign(t, server.PostgreSQL())
			execute(t, db, "DROP TABLE IF EXISTS data")
			db.Close()
			state.test(t, pooler, server.PostgreSQL())
		})
	}
}

// atConsole executes a statement at the console of a pooler.
func atConsole(pooler *testenv.Server, statement string) error {
	config, err := pgx.ParseConfig(pooler.PostgreSQL())
	if err != nil {
		return err
	}
	config.Database, config.DefaultQueryExecMode = "pgbouncer", pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), statement)
	return err
}

// pointTo makes a pooler send its clients to another server.
func pointTo(t *testing.T, pooler, server *testenv.Server) {
	t.Helper()
	path := filepath.Join(pooler.Dir(), "pgbouncer.ini")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(server.Addr(), ":")
	text = regexp.MustCompile(`port=\d+`).ReplaceAll(text, []byte("port="+port))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"RELOAD", "RECONNECT"} {
		if err := atConsole(pooler, statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
