package sql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

var lockTable = statements("BEGIN", "LOCK TABLE data IN ACCESS EXCLUSIVE MODE")

// waiting selects the sessions that wait for the lock on the table.
const waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

var postgreSQLStates = []passingState{
	{
		name: "too many connections", code: "53300",
		enter: func(t *testing.T, c *stateCase) { c.occupy(t, "") },
		leave: func(_ *testing.T, c *stateCase) { c.vacate() },
	},
	{
		name: "too many connections of the user", code: "53300", user: "few",
		setup: []string{
			"DROP ROLE IF EXISTS few",
			"CREATE ROLE few LOGIN CONNECTION LIMIT 3 PASSWORD '" + testenv.Password + "'",
			"GRANT ALL ON SCHEMA public TO few",
		},
		enter: func(t *testing.T, c *stateCase) { c.occupy(t, "few") },
		leave: func(_ *testing.T, c *stateCase) { c.vacate() },
	},
	{
		name: "lock_timeout", code: "55P03",
		setup: []string{"DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET lock_timeout = ''100ms'''; END $$"},
		enter: lockTable, leave: statements("ROLLBACK"),
	},
	{
		name: "statement_timeout", code: "57014",
		setup: []string{"DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET statement_timeout = ''200ms'''; END $$"},
		enter: lockTable, leave: statements("ROLLBACK"),
	},
	{
		// More time passes between two statements than the server allows.
		name: "idle_in_transaction_session_timeout", code: "25P03",
		setup: []string{"DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET idle_in_transaction_session_timeout = ''500ms'''; END $$"},
		enter: func(_ *testing.T, c *stateCase) { c.proxy.Delay(1500 * time.Millisecond) },
		leave: func(_ *testing.T, c *stateCase) { c.proxy.Delay(0) },
	},
	{
		// The server ends the sessions of the pool while nothing is written.
		name:  "idle_session_timeout",
		setup: []string{"DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET idle_session_timeout = ''50ms'''; END $$"},
		enter: func(*testing.T, *stateCase) { time.Sleep(300 * time.Millisecond) },
		leave: func(*testing.T, *stateCase) {},
	},
	{
		name: "default_transaction_read_only", code: "25006",
		enter: statements("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.2)"),
		leave: statements("SET default_transaction_read_only = off", "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"),
	},
	{
		name: "queries canceled", code: "57014",
		enter: func(t *testing.T, c *stateCase) {
			lockTable(t, c)
			c.repeat(t, "SELECT pg_cancel_backend(pid) "+waiting)
		},
		leave: statements("ROLLBACK"),
	},
	{
		name: "sessions terminated", code: "57P01",
		enter: func(t *testing.T, c *stateCase) {
			lockTable(t, c)
			c.repeat(t, "SELECT pg_terminate_backend(pid) "+waiting)
		},
		leave: statements("ROLLBACK"),
	},
	{
		// A fast shutdown ends the sessions that wait.
		name: "fast shutdown", code: "57P01",
		enter: func(t *testing.T, c *stateCase) {
			lockTable(t, c)
			c.whenOneWaits(t, "SELECT count(*) "+waiting, func() { c.server.Signal(syscall.SIGINT) })
		},
		leave: func(_ *testing.T, c *stateCase) { c.server.Restart() },
	},
	{
		// A smart shutdown waits for the existing sessions, and refuses new ones.
		name: "smart shutdown", code: "57P03",
		enter: func(_ *testing.T, c *stateCase) {
			c.server.Signal(syscall.SIGTERM)
			c.proxy.Reset()
		},
		leave: func(_ *testing.T, c *stateCase) { c.server.Restart() },
	},
	{
		// Recovery from an archive that answers slowly takes seconds. The client
		// tries to connect meanwhile.
		name: "starting up", code: "lost", last: "57P03",
		enter: func(t *testing.T, c *stateCase) {
			c.server.Kill()
			if err := os.WriteFile(filepath.Join(c.server.Dir(), "data", "recovery.signal"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		leave: func(_ *testing.T, c *stateCase) { c.server.Restart() },
	},
}

// A batch that is written while a PostgreSQL server is in a state that passes is
// stored by the default retry, each notification once.
func TestPassingStatesOfPostgreSQL(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgreSQL(t, "-c", "fsync=off", "-c", "max_connections=12", "-c", "restore_command=sleep 1; false")
	for i, state := range postgreSQLStates {
		t.Run(state.name, func(t *testing.T) {
			name := fmt.Sprint("state_", i)
			db := foreign(t, server.PostgreSQL())
			execute(t, db, "CREATE DATABASE "+name)
			db.Close()
			u := parse(t, server.PostgreSQL())
			u.Path = name
			state.test(t, server, u.String())
		})
	}
}
