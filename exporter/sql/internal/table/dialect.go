package table

import (
	"context"
	"database/sql"
	"time"
)

// A Dialect contains everything that differs between the databases. Statements
// are written with ? for their arguments.
type Dialect interface {
	Statements
	Errors

	// Name returns the name of the database in errors, quoted, without a
	// password.
	Name() string
	// Alphabet asks the database which characters the columns of the table can
	// hold.
	Alphabet(ctx context.Context, db *sql.DB) (Alphabet, error)
	// Bind returns the context for a statement of a transaction that writes. This
	// is ctx, or a context that never ends if the database cannot interrupt the
	// statement and leave the transaction in a known state.
	Bind(ctx context.Context) context.Context
	// Latest reads the latest rows with these trace_ids, SameTraceID rows of
	// each.
	Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]Row, error)
	// Insert adds the rows in the given order. It returns how many rows the
	// database reports as inserted.
	Insert(ctx context.Context, c *sql.Conn, rows []Row) (inserted int64, err error)
	// Commit ends the transaction of a connection. nil means that the database
	// confirmed that it committed this transaction.
	Commit(ctx context.Context, c *sql.Conn) error
	// Fetch calls each for the rows of a query, one at a time. Each value is text,
	// or nil for NULL. The values are valid until each returns. If each returns
	// false, Fetch stops.
	Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) error
}

// Statements are the parts of SQL that differ between the databases.
type Statements interface {
	// Tables returns a query for the names of those of the table data and its
	// indexes that exist.
	Tables() string
	// Version returns a query for the version of the database, and the product.
	Version() (query, product string)
	// Schema returns the statements that make the table and the indexes of the
	// Python library's driver that are not among the existing names. Another
	// process may make them at the same time.
	Schema(existing []string) []string
	// Begin returns the statement that starts a transaction that writes.
	Begin() string
	// Rebind rewrites the placeholders of a statement in the syntax of the
	// database.
	Rebind(statement string) string
	// Same returns the condition that two expressions are equal, where NULL equals
	// NULL. It uses an index on the first expression if there is one.
	Same(a, b string) string
	// IDs returns the condition that a row has one of the ids in a list such as
	// 1,2,3, written so that the database looks up each of them.
	IDs(list string) string
	// PhysicalOrder returns the column that reproduces the order of an unordered
	// SELECT, on which the Python library relies, and the placeholder to compare
	// it with.
	PhysicalOrder() (column, placeholder string)
	// Exact returns an expression for a column in which different texts differ,
	// whatever the collation of the database is.
	Exact(column string) string
	// Unindexed returns an expression for a column for which the database uses
	// no index.
	Unindexed(column string) string
	// Text returns an expression for the data column as text.
	Text() string
	// Contains returns the condition that the data column contains a word.
	Contains(word string) string
	// Stamp returns an expression for the text that consists of a timestamp and
	// the 19 digits of the row's id, and that is compared byte by byte. It is
	// NULL if the timestamp is NULL.
	Stamp(timestamp string) string
}

// Errors classify and explain the errors of a database's client library.
type Errors interface {
	// Absent reports whether the error means that there is no database yet,
	// which Write would create.
	Absent(err error) bool
	// Replaced reports whether the error may mean that the database or its table
	// was removed or replaced. Then Replaced gives up all connections that lead to
	// the old database.
	Replaced(err error) bool
	// Busy reports whether a transaction failed only because of other sessions, so
	// that it may succeed if it is begun again at once.
	Busy(err error) bool
	// Transient reports whether a transaction may succeed later: the server could
	// not be reached, is in a state that passes, or did not report the outcome of
	// the transaction.
	Transient(err error) bool
	// Refuses reports whether the database refuses the content of a row, so that
	// the other rows of the batch may be stored without it.
	Refuses(err error) bool
	// TooMuch reports whether the transaction as a whole may be too large for the
	// server, so that its halves may be stored.
	TooMuch(err error) bool
	// Suspect reports whether the error after that time can have been caused by a
	// single row that is too large for the server, although the server did not
	// say so. For example, the server ended the connection. A server that gave no
	// answer in time is not such a case.
	Suspect(err error, took time.Duration) bool
	// WrongTable reports whether a statement failed because the table has other
	// columns.
	WrongTable(err error) bool
	// Explain turns an error into one clear sentence, without a password. It
	// returns errors that are not the database's own unchanged.
	Explain(err error) error
}

// A Creator is a Dialect of a database that the program can create.
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
	// Committed returns an error if the database to which the connection
	// committed does not exist at its place any more. Replaced returns true for
	// that error.
	Committed(c *sql.Conn) error
	// Era returns a number that changes when statements lead to another
	// database than before.
	Era() int64
}

// A Bounded is a Dialect of a database whose size is limited.
type Bounded interface {
	// LargestRow returns the size in bytes from which a row cannot be stored.
	LargestRow() int64
}
