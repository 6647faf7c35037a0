package sql_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// plain makes an account without administrator rights, because read_only and
// some limits do not apply to administrators.
func plain(with string) []string {
	return []string{
		"CREATE OR REPLACE USER plain@127.0.0.1 IDENTIFIED BY '" + testenv.Password + "' " + with,
		"GRANT SELECT, INSERT, CREATE, INDEX ON *.* TO plain@127.0.0.1",
	}
}

// insertsWait makes inserts wait for the end of a transaction.
var insertsWait = statements("BEGIN", "SELECT id FROM data FOR UPDATE")

// waiters returns the statement that kills the sessions whose statement waits,
// with KILL QUERY or KILL CONNECTION.
func waiters(kill string) string {
	return "BEGIN NOT ATOMIC FOR waiter IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'INSERT INTO data%') " +
		"DO EXECUTE IMMEDIATE CONCAT('" + kill + " ', waiter.id); END FOR; END"
}

var mariaDBStates = []passingState{
	{
		name: "too many connections", code: "1040", user: "plain", setup: plain(""),
		enter: func(t *testing.T, c *stateCase) { c.occupy(t, "plain") },
		leave: func(_ *testing.T, c *stateCase) { c.vacate() },
	},
	{
		name: "max_user_connections of the server", code: "1203", user: "plain", setup: plain(""),
		enter: func(t *testing.T, c *stateCase) {
			statements("SET GLOBAL max_user_connections = 1")(t, c)
			c.occupy(t, "plain")
		},
		leave: func(t *testing.T, c *stateCase) {
			c.vacate()
			statements("SET GLOBAL max_user_connections = 100")(t, c)
		},
	},
	{
		name: "max_user_connections of the account", code: "1226", user: "plain", setup: plain("WITH MAX_USER_CONNECTIONS 3"),
		enter: func(t *testing.T, c *stateCase) { c.occupy(t, "plain") },
		leave: func(_ *testing.T, c *stateCase) { c.vacate() },
	},
	{
		name: "innodb_lock_wait_timeout", code: "1205",
		setup: []string{"SET GLOBAL innodb_lock_wait_timeout = 1"},
		enter: insertsWait,
		leave: statements("ROLLBACK", "SET GLOBAL innodb_lock_wait_timeout = 50"),
	},
	{
		name: "lock_wait_timeout", code: "1205",
		setup: []string{"SET GLOBAL lock_wait_timeout = 1"},
		enter: statements("LOCK TABLES data WRITE"),
		leave: statements("UNLOCK TABLES", "SET GLOBAL lock_wait_timeout = 86400"),
	},
	{
		name: "read_only", code: "1290", user: "plain", setup: plain(""),
		enter: statements("SET GLOBAL read_only = ON"), leave: statements("SET GLOBAL read_only = OFF"),
	},
	{
		// Sessions that begin meanwhile can only read.
		name: "tx_read_only", code: "1792",
		enter: func(t *testing.T, c *stateCase) {
			statements("SET GLOBAL tx_read_only = ON")(t, c)
			c.proxy.Reset()
		},
		leave: func(t *testing.T, c *stateCase) {
			statements("SET GLOBAL tx_read_only = OFF")(t, c)
			c.proxy.Reset()
		},
	},
	{
		name:  "FLUSH TABLES WITH READ LOCK", // writers wait without an error
		enter: statements("FLUSH TABLES WITH READ LOCK"), leave: statements("UNLOCK TABLES"),
	},
	{
		name: "max_statement_time", code: "1969",
		setup: []string{"SET GLOBAL max_statement_time = 0.2"},
		enter: func(t *testing.T, c *stateCase) {
			statements("SET GLOBAL max_statement_time = 0.2", "SET SESSION max_statement_time = 0")(t, c)
			insertsWait(t, c)
		},
		leave: statements("ROLLBACK", "SET GLOBAL max_statement_time = 0"),
	},
	{
		// The server ends the sessions of the pool while nothing is written.
		name:  "wait_timeout",
		setup: []string{"SET GLOBAL wait_timeout = 1"},
		enter: func(t *testing.T, c *stateCase) {
			statements("SET SESSION wait_timeout = 3600")(t, c)
			time.Sleep(1500 * time.Millisecond)
		},
		leave: statements("SET GLOBAL wait_timeout = 28800"),
	},
	{
		name: "queries killed", code: "1317",
		enter: func(t *testing.T, c *stateCase) {
			insertsWait(t, c)
			c.repeat(t, waiters("KILL QUERY"))
		},
		leave: statements("ROLLBACK"),
	},
	{
		name: "connections killed", code: "lost", // or 1927
		enter: func(t *testing.T, c *stateCase) {
			insertsWait(t, c)
			c.repeat(t, waiters("KILL CONNECTION"))
		},
		leave: statements("ROLLBACK"),
	},
	{
		name: "shutdown", code: "lost", // or 1053
		enter: func(t *testing.T, c *stateCase) {
			insertsWait(t, c)
			c.whenOneWaits(t, "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'INSERT INTO data%'",
				func() { c.server.Signal(syscall.SIGTERM) })
		},
		leave: func(_ *testing.T, c *stateCase) { c.server.Restart() },
	},
	{
		name: "starting up", code: "lost",
		enter: func(_ *testing.T, c *stateCase) { c.server.Kill() },
		leave: func(_ *testing.T, c *stateCase) { c.server.Restart() },
	},
}

// A batch that is written while a MariaDB server is in a state that passes is
// stored by the default retry, each notification once.
func TestPassingStatesOfMariaDB(t *testing.T) {
	t.Parallel()
	server := testenv.StartMariaDB(t, "--max-connections=12", "--max-user-connections=100")
	for i, state := range mariaDBStates {
		t.Run(state.name, func(t *testing.T) {
			name := fmt.Sprint("state_", i)
			db := foreign(t, server.MariaDB())
			execute(t, db, "CREATE DATABASE "+name)
			db.Close()
			u := parse(t, server.MariaDB())
			u.Path = name
			state.test(t, server, u.String())
		})
	}
}
