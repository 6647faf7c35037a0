package table

import (
	"context"
	"database/sql"
	"time"
)

// A Dialect is all that differs between the databases. Statements are written
// with ? for their arguments.
type Dialect interface {
	Statements
	Errors

	// Name names the database in errors, quoted, without a password.
	Name() string
	// Alphabet asks which characters the columns of the table can hold.
	Alphabet(ctx context.Context, db *sql.DB) (Alphabet, error)
	// Bind returns the context for a statement of a transaction that writes: ctx,
	// or one that never ends if the database cannot interrupt the statement and
	// leave the transaction in a known state.
	Bind(ctx context.Context) context.Context
	// Latest reads the rows with these trace_ids, of each the latest SameTraceID.
	Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]Row, error)
	// Insert adds the rows in the order given. It returns how many rows the
	// database says it inserted.
	Insert(ctx context.Context, c *sql.Conn, rows []Row) (inserted int64, err error)
	// Commit ends the transaction of a connection. nil means that the database
	// said that it committed this transaction.
	Commit(ctx context.Context, c *sql.Conn) error
	// Fetch calls each for the rows of a query, one at a time, with each value as
	// text, nil for NULL. The values are valid until each returns. If each returns
	// false, Fetch stops.
	Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) error
}

// Statements are the parts of SQL that differ between the databases.
type Statements interface {
	// Tables returns a query for the names of the table data and its indexes,
	// as far as they exist.
	Tables() string
	// Version returns a query for the version of the database, and the product.
	Version() (query, product string)
	// Schema returns the statements that make what the Python library's driver
	// makes and is not among these names. Another process may make it meanwhile.
	Schema(existing []string) []string
	// Begin starts a transaction that writes.
	Begin() string
	// Rebind writes the arguments of a statement as the database wants them.
	Rebind(statement string) string
	// Same compares two expressions, NULL being the same as NULL. It uses an index
	// on the first one if there is any.
	Same(a, b string) string
	// IDs is the condition that a row has one of the ids in a list such as 1,2,3,
	// written so that the database looks up each of them.
	IDs(list string) string
	// PhysicalOrder returns the column that reproduces the order of an unordered
	// SELECT, on which the Python library relies, and the placeholder to compare
	// it with.
	PhysicalOrder() (column, placeholder string)
	// Exact is a column by which different texts differ, whatever the collation
	// of the database is.
	Exact(column string) string
	// Unindexed is a column for which the database uses no index.
	Unindexed(column string) string
	// Text is the data column as text.
	Text() string
	// Contains is the condition that the data column contains a word.
	Contains(word string) string
	// Stamp is a text that consists of a timestamp and the 19 digits of the row's
	// id, and is compared byte by byte. It is NULL if the timestamp is NULL.
	Stamp(timestamp string) string
}

// Errors classify and explain the errors of a database's client library.
type Errors interface {
	// Absent reports whether the error says that there is no database yet, which
	// Write would create.
	Absent(err error) bool
	// Replaced reports whether the error may mean that the database or its table
	// was removed or replaced. Then Replaced gives up all connections that lead to
	// the old database.
	Replaced(err error) bool
	// Busy reports whether a transaction failed only because of other sessions, so
	// that it may succeed if it is begun again at once.
	Busy(err error) bool
	// Transient reports whether a transaction may succeed later: the server could
	// not be reached, is in a state that passes, or did not say what became of
	// the transaction.
	Transient(err error) bool
	// Refuses reports whether the database refuses the content of a row, so that
	// the other rows of the batch may be stored without it.
	Refuses(err error) bool
	// TooMuch reports whether the transaction as a whole may be too large for the
	// server, so that its halves may be stored.
	TooMuch(err error) bool
	// Suspect reports whether a single row that is too large for the server can
	// have caused the error after that time, though the server did not say so: it
	// ended the connection, for example. A server that gave no answer in time is
	// no such case.
	Suspect(err error, took time.Duration) bool
	// WrongTable reports whether a statement failed because the table has other
	// columns.
	WrongTable(err error) bool
	// Explain makes one clear sentence of an error, without a password. Errors
	// that are not the database's own it returns as they are.
	Explain(err error) error
}

// A Creator is a Dialect of a database that a program can create.
type Creator interface {
	// Create creates the database if it does not exist.
	Create() error
}

// A SessionChecker is a Dialect whose sessions may have settings with which the
// table cannot be used, because the program opened the database itself.
type SessionChecker interface {
	CheckSession(ctx context.Context, db *sql.DB, toWrite bool) error
}

// A Renewer is a Dialect of a database that somebody may replace while it is
// open, as a file may be.
type Renewer interface {
	// Committed returns an error if the database that the connection committed
	// to is not there any more. Replaced returns true for that error.
	Committed(c *sql.Conn) error
	// Era returns a number that changes when statements go to another database
	// than before.
	Era() int64
}

// A Bounded is a Dialect of a database that may not become larger than a limit.
type Bounded interface {
	// LargestRow returns a size in bytes from which no row can be stored.
	LargestRow() int64
}
