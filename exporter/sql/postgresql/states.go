package postgresql

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// states are the SQLSTATEs of PostgreSQL. A row with two characters stands for
// its whole class. A trigger of the operator may raise an error of any class
// that is about data. Such an error refuses the row.
var states = serverstate.Table{
	Source: "PostgreSQL, Appendix A (src/backend/utils/errcodes.txt); PgBouncer, src/objects.c and src/client.c",
	States: []serverstate.State{
		{Code: "00", Name: "success", Class: serverstate.Unknown},
		{Code: "01", Name: "warning", Class: serverstate.Unknown},
		{Code: "02", Name: "no data", Class: serverstate.Unknown},
		{Code: "03", Name: "SQL statement not yet complete", Class: serverstate.Stays},
		{Code: "08", Name: "connection exception", Class: serverstate.Passes},
		{Code: "08007", Name: "transaction resolution unknown", Class: serverstate.Unknown},
		{Code: "08P01", Name: "protocol violation; PgBouncer's code for nearly everything", Class: serverstate.Passes, Ran: "TestPgBouncerRefuses"},
		{Code: "09", Name: "triggered action exception", Class: serverstate.Row},
		{Code: "0A", Name: "feature not supported", Class: serverstate.Stays, Ran: "TestWithoutCopy"},
		{Code: "0B", Name: "invalid transaction initiation", Class: serverstate.Unknown},
		{Code: "0F", Name: "locator exception", Class: serverstate.Stays},
		{Code: "0L", Name: "invalid grantor", Class: serverstate.Stays},
		{Code: "0P", Name: "invalid role specification", Class: serverstate.Stays},
		{Code: "0Z", Name: "diagnostics exception", Class: serverstate.Stays},
		{Code: "10", Name: "XQuery error", Class: serverstate.Row},
		{Code: "20", Name: "case not found", Class: serverstate.Row},
		{Code: "21", Name: "cardinality violation", Class: serverstate.Row},
		{Code: "2200H", Name: "sequence of ids exhausted", Class: serverstate.Stays, Ran: "TestIDsOfTheSequence"},
		{Code: "22", Name: "data exception", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "23", Name: "integrity constraint violation", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "24", Name: "invalid cursor state", Class: serverstate.Stays},
		{Code: "25", Name: "invalid transaction state", Class: serverstate.Unknown},
		{Code: "25006", Name: "read-only transaction: a standby, or default_transaction_read_only", Class: serverstate.Passes, Ran: "TestStandbyBehindTheAddress"},
		{Code: "25P03", Name: "idle-in-transaction timeout", Class: serverstate.Passes, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "25P04", Name: "transaction timeout", Class: serverstate.Passes},
		{Code: "26", Name: "invalid SQL statement name (a pooler mixed up sessions)", Class: serverstate.Unknown},
		{Code: "27", Name: "triggered data change violation", Class: serverstate.Row},
		{Code: "28", Name: "invalid authorization", Class: serverstate.Stays, Ran: "TestRefused"},
		{Code: "2B", Name: "dependent privilege descriptors still exist", Class: serverstate.Stays},
		{Code: "2D", Name: "invalid transaction termination", Class: serverstate.Stays},
		{Code: "2F", Name: "SQL routine exception", Class: serverstate.Row},
		{Code: "34", Name: "invalid cursor name", Class: serverstate.Stays},
		{Code: "38", Name: "external routine exception", Class: serverstate.Row},
		{Code: "39", Name: "external routine invocation exception", Class: serverstate.Row},
		{Code: "3B", Name: "savepoint exception", Class: serverstate.Stays},
		{Code: "3D", Name: "invalid catalog name", Class: serverstate.Stays, Ran: "TestRefused"},
		{Code: "3F", Name: "invalid schema name", Class: serverstate.Stays},
		{Code: "40", Name: "transaction rollback", Class: serverstate.Passes},
		{Code: "40001", Name: "serialization failure", Class: serverstate.Contended, Ran: "TestCommitFailsInPostgreSQL"},
		{Code: "40002", Name: "transaction integrity constraint violation", Class: serverstate.Row},
		{Code: "40003", Name: "statement completion unknown", Class: serverstate.Unknown},
		{Code: "40P01", Name: "deadlock detected", Class: serverstate.Contended, Ran: "TestCommitFailsInPostgreSQL"},
		{Code: "42", Name: "syntax error or access rule violation", Class: serverstate.Stays, Ran: "TestRefused"},
		{Code: "42P05", Name: "duplicate prepared statement (a pooler mixed up sessions)", Class: serverstate.Unknown},
		{Code: "44", Name: "WITH CHECK OPTION violation", Class: serverstate.Row},
		{Code: "53", Name: "insufficient resources", Class: serverstate.Passes},
		{Code: "53100", Name: "disk full", Class: serverstate.Passes, Ran: "TestFaults"},
		{Code: "53300", Name: "too many connections", Class: serverstate.Passes, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "54", Name: "program limit exceeded, such as 1 GB for a value", Class: serverstate.Row},
		{Code: "55", Name: "object not in prerequisite state", Class: serverstate.Unknown},
		{Code: "55006", Name: "object in use", Class: serverstate.Passes},
		{Code: "55P02", Name: "cannot change run-time parameter", Class: serverstate.Stays},
		{Code: "55P03", Name: "lock not available", Class: serverstate.Contended, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "55P04", Name: "unsafe new enum value usage", Class: serverstate.Stays},
		{Code: "57", Name: "operator intervention", Class: serverstate.Passes},
		{Code: "57014", Name: "query canceled: statement_timeout, or an operator", Class: serverstate.Passes, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "57P01", Name: "server shuts down, or an operator ends the session", Class: serverstate.Passes, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "57P02", Name: "another session crashed the server", Class: serverstate.Passes},
		{Code: "57P03", Name: "server starts, stops or recovers", Class: serverstate.Passes, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "57P04", Name: "database dropped", Class: serverstate.Stays},
		{Code: "57P05", Name: "idle session timeout", Class: serverstate.Passes, Ran: "TestPassingStatesOfPostgreSQL"},
		{Code: "58", Name: "system error", Class: serverstate.Unknown},
		{Code: "72", Name: "snapshot too old", Class: serverstate.Passes},
		{Code: "F0", Name: "configuration file error", Class: serverstate.Unknown},
		{Code: "HV", Name: "foreign data wrapper error", Class: serverstate.Stays},
		{Code: "HV001", Name: "foreign data wrapper: out of memory", Class: serverstate.Passes},
		{Code: "HV00N", Name: "foreign data wrapper: no connection", Class: serverstate.Passes},
		{Code: "P0", Name: "PL/pgSQL error, such as RAISE in a trigger", Class: serverstate.Row, Ran: "TestRefusedRows"},
		{Code: "XX", Name: "internal error", Class: serverstate.Unknown},
		{Code: "XX001", Name: "data corrupted", Class: serverstate.Stays},
		{Code: "XX002", Name: "index corrupted", Class: serverstate.Stays},
	},
}

// classOf returns the class of an error that the server sent. ok is false for
// any other error.
func classOf(err error) (class serverstate.Class, ok bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return serverstate.Unknown, false
	}
	switch {
	case e.Code == "08P01" && poolerRefuses(e):
		return serverstate.Stays, true
	case e.Code == notSupported && inRecovery(e), e.Code == "55000" && inRecovery(e):
		return serverstate.Passes, true
	}
	if e.Code == "23505" && ofID(e) {
		// The sequence lags behind the rows, as after logical replication.
		return serverstate.Contended, true
	}
	state, known := states.Find(e.Code)
	if !known { // a trigger of the operator may raise any code
		return serverstate.Row, true
	}
	return state.Class, true
}

// ofID reports whether the duplicate value is an id, which does not come from the
// notification. Each attempt takes further ids from the sequence.
func ofID(e *pgconn.PgError) bool {
	return e.ConstraintName == "data_pkey" || strings.Contains(e.Detail, "(id)=(")
}

// inRecovery reports whether a standby refuses a statement because it is a
// standby. The message may be in any language, but the name of the server's
// function is always the same.
func inRecovery(e *pgconn.PgError) bool {
	switch e.Routine {
	case "check_XactReadOnly", "check_transaction_read_only", "check_XactIsoLevel", "check_transaction_isolation",
		"PreventCommandDuringRecovery", "LockAcquireExtended":
		return true
	}
	return strings.Contains(e.Message, "recovery")
}
