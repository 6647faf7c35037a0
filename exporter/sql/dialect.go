package sql

import (
	"context"
	"database/sql"
	"time"
)

// A Dialect is all that differs between the databases. Statements are written
// with ? for their arguments.
type Dialect interface {
	// Name names the database in errors, quoted, without a password.
	Name() string
	// Tables returns a query for the names of the table data and its indexes,
	// as far as they exist.
	Tables() string
	// Schema returns the statements that make what upstream's driver makes and
	// is not among these names, for what may have come to be meanwhile.
	Schema(existing []string) []string
	// Alphabet asks which characters the columns of the table can hold.
	Alphabet(ctx context.Context, db *sql.DB) (Alphabet, error)
	// Begin starts a transaction that writes.
	Begin() string
	// Bind returns the context for the statements of such a transaction: ctx,
	// or, where a statement cannot be interrupted safely, one that never ends.
	Bind(ctx context.Context) context.Context
	// Latest reads the rows with these trace_ids, of each the latest
	// SameTraceID.
	Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]Row, error)
	// Insert adds the rows in the order given. It returns how many rows the
	// database says it inserted.
	Insert(ctx context.Context, c *sql.Conn, rows []Row) (inserted int64, err error)
	// Commit ends the transaction of a connection. nil means that the database
	// said that it committed this transaction.
	Commit(ctx context.Context, c *sql.Conn) error
	// Fetch hands over the rows that a query finds, one at a time, each value
	// as text, nil for NULL. They are valid until each returns; if it returns
	// false, there shall be no more.
	Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) error
	// Rebind writes the arguments of a statement as the database wants them.
	Rebind(statement string) string
	// Same compares two expressions, NULL being the same as NULL, by an index
	// on the first one if there is any.
	Same(a, b string) string
	// IDs is the condition that a row has one of the ids in a list, 1,2,3,
	// written so that each is looked up.
	IDs(list string) string
	// Place is the column by which rows stand where upstream, which asks for no
	// order, gets them, and the type of its arguments.
	Place() (column, argument string)
	// Exact is a column by which different texts differ, whatever the
	// database's collation says.
	Exact(column string) string
	// Unindexed is a column that no index should be used for.
	Unindexed(column string) string
	// Text is the data column as text.
	Text() string
	// Busy tells whether a transaction failed only because of what others did at
	// the same time, so that it may succeed if it is begun again at once.
	Busy(err error) bool
	// Transient tells whether a transaction may succeed later: the server could
	// not be reached, is in a state that passes, or did not say what became of
	// the transaction.
	Transient(err error) bool
	// Refuses tells whether the database refuses the content of a row, so that
	// the other rows of the batch may be stored without it.
	Refuses(err error) bool
	// TooMuch tells whether the transaction as a whole may be too large for the
	// server, so that its halves may be stored.
	TooMuch(err error) bool
	// Suspect tells whether a single row that is too large for the server can
	// have caused the error after that time, though the server did not say so: it
	// ended the connection, for example. A server that was waited for in vain is
	// no such case.
	Suspect(err error, took time.Duration) bool
	// WrongTable tells whether a statement failed since the table has other
	// columns.
	WrongTable(err error) bool
	// Explain makes one clear sentence of an error, without a password. Errors
	// that are not the database's own it returns as they are.
	Explain(err error) error
}
