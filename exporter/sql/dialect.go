package sql

// A dialect is all that differs between the databases. Statements are written
// with ? for their arguments.
type dialect interface {
	// name names the database in errors, quoted, without a password.
	name() string
	// tables returns a query for the names of the table data and its indexes,
	// as far as they exist.
	tables() string
	// createTable and createIndex are the statements that upstream's driver
	// emits, for one that may have come to be meanwhile.
	createTable() string
	createIndex(column string) string
	// begin starts a transaction that writes.
	begin() string
	// same compares two expressions, NULL being the same as NULL.
	same(a, b string) string
	// unindexed is a column that no index should be used for.
	unindexed(column string) string
	// text is the data column as text.
	text() string
	// busy tells whether a statement failed only because others had a lock.
	busy(err error) bool
	// explain makes one clear sentence of an error.
	explain(err error) error
}
