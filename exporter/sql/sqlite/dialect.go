package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"time"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
)

// dialect is SQLite's, for the database in this file.
type dialect struct {
	path       string // as it was given, for errors
	connection *connector
}

func (d dialect) Name() string { return strconv.Quote(d.path) }

func (dialect) Tables() string {
	return "SELECT name FROM sqlite_master WHERE tbl_name = 'data' COLLATE NOCASE"
}

func (dialect) Schema(existing []string) (missing []string) {
	if !slices.Contains(existing, "data") {
		missing = append(missing, createTable)
	}
	for _, column := range table.Columns() {
		if index := "ix_data_" + column; !slices.Contains(existing, index) {
			missing = append(missing, "CREATE INDEX IF NOT EXISTS "+index+" ON data ("+column+")")
		}
	}
	return missing
}

const createTable = "CREATE TABLE IF NOT EXISTS data (\n\tid INTEGER NOT NULL, \n\ttimestamp VARCHAR(26), \n\tbase_id VARCHAR(255), \n" +
	"\tparent_id VARCHAR(255), \n\ttrace_id VARCHAR(255), \n\tproject VARCHAR(255), \n\thost VARCHAR(255), \n" +
	"\tservice VARCHAR(255), \n\tname VARCHAR(255), \n\tdata JSON, \n\tPRIMARY KEY (id)\n)"

func (dialect) Begin() string                  { return "BEGIN IMMEDIATE" }
func (dialect) Same(a, b string) string        { return a + " IS " + b }
func (dialect) Unindexed(column string) string { return "+" + column }
func (dialect) Text() string                   { return "data" }

// Alphabet: SQLite holds any text.
func (dialect) Alphabet(context.Context, *sql.DB) (table.Alphabet, error) { return nil, nil }

func (dialect) IDs(list string) string { return "id IN (" + list + ")" }

// Fetch is database/sql's: its drivers hand their own buffers over.
func (dialect) Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) error {
	return table.Fetch(ctx, db, query, args, each)
}

func (dialect) Place() (column, argument string) { return "id", "?" }

// Exact is the column: SQLite compares byte by byte.
func (dialect) Exact(column string) string     { return column }
func (dialect) Rebind(statement string) string { return statement }

// Bind: the driver interrupts the whole connection, of which it must be known
// whether a transaction began and ended.
func (dialect) Bind(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func (d dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.Latest(ctx, c, d, traceIDs)
}

// Rows and bytes of one statement: SQLite has to read it each time.
const (
	statementRows  = 100
	statementBytes = 4 << 20
)

func (dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	return table.Insert(ctx, c, rows, statementRows, statementBytes)
}

// Commit implements table.Dialect. SQLite keeps a transaction open whose COMMIT
// found readers in the way, and lets it be committed again
// (https://www.sqlite.org/lang_transaction.html). Commit does so as long as
// SQLite itself would wait, and not beyond the context. A COMMIT without a
// transaction is an error in SQLite.
func (d dialect) Commit(ctx context.Context, c *sql.Conn) error {
	for try := 0; ; try++ {
		_, err := c.ExecContext(context.WithoutCancel(ctx), "COMMIT")
		if err == nil || !d.Busy(err) || try == commits {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// commits is how often a COMMIT is repeated. Each waits for driverPatience.
const commits = 20

// Suspect implements table.Dialect: SQLite always says why it refuses.
func (dialect) Suspect(error, time.Duration) bool { return false }

// LargestRow implements table.Bounded.
func (dialect) LargestRow() int64 { return largestDatabase() }

// Renew gives up all connections if the error may come from a database file
// that was replaced while it was open. Then the caller makes sure of the table and runs
// its statements again, on connections to the file at the path.
func (d dialect) Renew(err error) bool {
	if !replaced(err) {
		return false
	}
	d.connection.renew(noTable(err))
	return true
}

// Era returns a number that changes when the database is another one.
func (d dialect) Era() int64 { return d.connection.era() }

// Committed returns an error if the path does not name the database that a
// transaction was committed to any more: it may have been removed.
func (dialect) Committed(c *sql.Conn) error {
	return c.Raw(func(raw any) error {
		if its, ok := raw.(*conn); ok {
			return its.committed()
		}
		return nil
	})
}
