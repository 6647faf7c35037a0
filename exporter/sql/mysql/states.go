package mysql

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// states are the error numbers of MySQL, MariaDB, Galera and group replication,
// and of the proxies that speak their protocol. The table has the numbers that a
// writer or reader of the table data can get in a state that passes, in an
// unknown state or for the content of a row. Any other number is a refusal that
// stays.
var states = serverstate.Table{
	Source: "MySQL 8 Error Message Reference (share/messages_to_clients.txt); MariaDB Error Codes (sql/share/errmsg-utf8.txt); Galera, wsrep-lib and sql/wsrep_mysqld.cc; MySQL group replication; MaxScale and ProxySQL manuals",
	States: []serverstate.State{
		{Code: "1015", Name: "cannot lock a file", Class: serverstate.Passes},
		{Code: "1020", Name: "record has changed since last read (innodb_snapshot_isolation)", Class: serverstate.Contended},
		{Code: "1021", Name: "disk full", Class: serverstate.Passes, Ran: "TestFaults"},
		{Code: "1023", Name: "error on close", Class: serverstate.Unknown},
		{Code: "1026", Name: "error writing a file", Class: serverstate.Unknown, Ran: "TestFaults"},
		{Code: "1030", Name: "error of the storage engine", Class: serverstate.Unknown},
		{Code: "1036", Name: "table is read only (innodb_force_recovery, a replica)", Class: serverstate.Passes},
		{Code: "1037", Name: "out of memory", Class: serverstate.Passes},
		{Code: "1038", Name: "out of sort memory", Class: serverstate.Passes},
		{Code: "1040", Name: "too many connections", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1041", Name: "out of memory or resources", Class: serverstate.Passes},
		{Code: "1042", Name: "cannot get the hostname of the client", Class: serverstate.Passes},
		{Code: "1043", Name: "bad handshake", Class: serverstate.Unknown},
		{Code: "1047", Name: "Galera: node joins, or lost its quorum", Class: serverstate.Passes, Ran: "TestGaleraWithoutQuorum"},
		{Code: "1048", Name: "column cannot be null", Class: serverstate.Row},
		{Code: "1053", Name: "server shuts down", Class: serverstate.Passes},
		{Code: "1062", Name: "duplicate entry", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "1077", Name: "server shut down normally", Class: serverstate.Passes},
		{Code: "1078", Name: "server got a signal", Class: serverstate.Passes},
		{Code: "1079", Name: "shutdown is complete", Class: serverstate.Passes},
		{Code: "1080", Name: "thread is closed by force", Class: serverstate.Passes},
		{Code: "1099", Name: "table is locked for reading", Class: serverstate.Passes},
		{Code: "1105", Name: "unknown error; what MariaDB and proxies have no number for", Class: serverstate.Unknown},
		{Code: "1114", Name: "table is full", Class: serverstate.Passes, Ran: "TestFaults"},
		{Code: "1118", Name: "row size too large", Class: serverstate.Row},
		{Code: "1129", Name: "host is blocked after many connection errors", Class: serverstate.Passes},
		{Code: "1135", Name: "cannot create a thread", Class: serverstate.Passes},
		{Code: "1152", Name: "connection aborted", Class: serverstate.Passes},
		{Code: "1153", Name: "packet larger than max_allowed_packet", Class: serverstate.Row, Ran: "TestOversized"},
		{Code: "1154", Name: "read error of a pipe", Class: serverstate.Passes},
		{Code: "1155", Name: "error of fcntl", Class: serverstate.Passes},
		{Code: "1156", Name: "packets out of order", Class: serverstate.Passes},
		{Code: "1157", Name: "packet cannot be uncompressed", Class: serverstate.Passes},
		{Code: "1158", Name: "network read error", Class: serverstate.Passes},
		{Code: "1159", Name: "network read timeout", Class: serverstate.Passes},
		{Code: "1160", Name: "network write error", Class: serverstate.Passes},
		{Code: "1161", Name: "network write timeout", Class: serverstate.Passes},
		{Code: "1162", Name: "string longer than max_allowed_packet", Class: serverstate.Row},
		{Code: "1180", Name: "error during COMMIT (Galera: certification, write set too large)", Class: serverstate.Unknown, Ran: "TestGaleraWithoutQuorum"},
		{Code: "1181", Name: "error during ROLLBACK", Class: serverstate.Unknown},
		{Code: "1184", Name: "connection aborted", Class: serverstate.Passes},
		{Code: "1192", Name: "locked tables or a transaction are in the way", Class: serverstate.Unknown},
		{Code: "1197", Name: "transaction larger than max_binlog_cache_size", Class: serverstate.Row},
		{Code: "1203", Name: "too many connections of the user (max_user_connections)", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1205", Name: "lock wait timeout", Class: serverstate.Contended, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1206", Name: "lock table is full", Class: serverstate.Passes},
		{Code: "1213", Name: "deadlock; Galera: certification failed", Class: serverstate.Contended, Ran: "TestCommitConflictsInGalera"},
		{Code: "1223", Name: "FLUSH TABLES WITH READ LOCK", Class: serverstate.Passes},
		{Code: "1226", Name: "user exceeded a resource per hour", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1264", Name: "value out of range", Class: serverstate.Row},
		{Code: "1265", Name: "value truncated", Class: serverstate.Row},
		{Code: "1290", Name: "--read-only, --super-read-only", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1292", Name: "value truncated", Class: serverstate.Row},
		{Code: "1296", Name: "error of the storage engine", Class: serverstate.Unknown},
		{Code: "1297", Name: "temporary error of the storage engine", Class: serverstate.Passes},
		{Code: "1301", Name: "value larger than max_allowed_packet", Class: serverstate.Row},
		{Code: "1317", Name: "query interrupted: KILL QUERY", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1366", Name: "value not of the column's character set", Class: serverstate.Row},
		{Code: "1406", Name: "value too long for the column", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "1461", Name: "too many prepared statements", Class: serverstate.Passes},
		{Code: "1526", Name: "no partition for the value", Class: serverstate.Row},
		{Code: "1613", Name: "transaction branch rolled back: timeout", Class: serverstate.Contended},
		{Code: "1614", Name: "transaction branch rolled back: deadlock", Class: serverstate.Contended},
		{Code: "1615", Name: "statement needs to be prepared again", Class: serverstate.Contended},
		{Code: "1637", Name: "too many active transactions", Class: serverstate.Passes},
		{Code: "1644", Name: "SIGNAL, as in a trigger", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "1689", Name: "wait on a lock was aborted", Class: serverstate.Contended},
		{Code: "1690", Name: "value out of range", Class: serverstate.Row},
		{Code: "1705", Name: "statement larger than max_binlog_stmt_cache_size", Class: serverstate.Row},
		{Code: "1792", Name: "transaction_read_only", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "1815", Name: "internal error", Class: serverstate.Unknown},
		{Code: "1836", Name: "server runs in read-only mode", Class: serverstate.Passes},
		{Code: "1874", Name: "InnoDB is in read-only mode", Class: serverstate.Passes},
		{Code: "1878", Name: "temporary file cannot be written", Class: serverstate.Passes},
		{Code: "1927", Name: "MariaDB: connection was killed", Class: serverstate.Passes},
		{Code: "1964", Name: "MariaDB: the commit of a transaction before failed", Class: serverstate.Contended},
		{Code: "1969", Name: "MariaDB: max_statement_time", Class: serverstate.Passes, Ran: "TestPassingStatesOfMariaDB"},
		{Code: "2xxx", Name: "an error of a client library (2000 to 2999), which a proxy passes on", Class: serverstate.Unknown},
		{Code: "3024", Name: "MySQL: max_execution_time", Class: serverstate.Passes},
		{Code: "3032", Name: "MySQL: offline mode", Class: serverstate.Passes},
		{Code: "3100", Name: "group replication: before_commit failed, as without a quorum", Class: serverstate.Unknown},
		{Code: "3101", Name: "group replication: certification rolled back", Class: serverstate.Contended},
		{Code: "3140", Name: "invalid JSON text", Class: serverstate.Row},
		{Code: "3150", Name: "JSON value too large", Class: serverstate.Row},
		{Code: "3157", Name: "JSON document too deep", Class: serverstate.Row},
		{Code: "3169", Name: "MySQL: session was killed", Class: serverstate.Passes},
		{Code: "3572", Name: "MySQL: NOWAIT found a lock", Class: serverstate.Contended},
		{Code: "3819", Name: "MySQL: CHECK constraint", Class: serverstate.Row},
		{Code: "4025", Name: "MariaDB: CHECK constraint", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "4031", Name: "MySQL: session ended by a timeout, such as wait_timeout", Class: serverstate.Passes},
		{Code: "9xxx", Name: "an error of ProxySQL (9000 to 9999)", Class: serverstate.Unknown},
	},
}

// largestIDs are the largest ids of the types that the column id may have.
var largestIDs = []string{"'2147483647'", "'4294967295'", "'9223372036854775807'", "'18446744073709551615'"}

// classOfID returns the class of a duplicate id, which does not depend on the
// notification. Two nodes of Galera may assign the same id. The next transaction
// gets other ids. When the largest id is used up, there are no more.
func classOfID(message string) serverstate.Class {
	if slices.ContainsFunc(largestIDs, func(id string) bool { return strings.Contains(message, id) }) {
		return serverstate.Stays
	}
	return serverstate.Contended
}

// classOf returns the class of an error that the server sent. ok is false for
// any other error.
func classOf(err error) (class serverstate.Class, ok bool) {
	var e *driver.MySQLError
	if !errors.As(err, &e) {
		return serverstate.Unknown, false
	}
	code := strconv.Itoa(int(e.Number))
	switch {
	case e.Number == 1105 && strings.Contains(e.Message, "max_allowed_packet"):
		// A parameter of a prepared statement that is too long has no error
		// number of its own.
		return serverstate.Row, true
	case (e.Number == 1105 || e.Number == 1180) && (strings.Contains(e.Message, "wsrep_max_ws") || strings.Contains(e.Message, "writeset size")):
		// This is Galera's limit for transactions.
		return serverstate.Row, true
	case e.Number == 1062 && strings.Contains(e.Message, "PRIMARY'"):
		return classOfID(e.Message), true
	case strings.HasPrefix(string(e.SQLState[:]), "45"):
		// A trigger of the operator may use any number.
		return serverstate.Row, true
	case strings.HasPrefix(string(e.SQLState[:]), "40"):
		return serverstate.Contended, true
	}
	if state, known := states.Exactly(code); known {
		return state.Class, true
	}
	if state, known := states.Exactly(code[:1] + "xxx"); known && len(code) == 4 {
		return state.Class, true
	}
	if strings.HasPrefix(string(e.SQLState[:]), "08") {
		return serverstate.Passes, true
	}
	return serverstate.Stays, true
}
