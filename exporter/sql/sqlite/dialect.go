package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// A dialect is SQLite's dialect, for one database.
type dialect struct {
	path       string     // as given by the caller, for errors
	connection *connector // nil for a database that the program opened
}

// Name implements table.Dialect.
func (d dialect) Name() string { return strconv.Quote(d.path) }

// Create implements table.Creator.
func (d dialect) Create() error {
	k := d.connection
	if k == nil {
		return nil
	}
	if err := k.check(); err != nil {
		return err
	}
	if err := k.create(); err != nil {
		return fmt.Errorf("cannot create the file %q: %w", k.path, files.Reason(err))
	}
	return nil
}

func (dialect) Version() (query, product string) { return "SELECT sqlite_version()", "SQLite" }

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

// Alphabet returns nil, because SQLite holds any text.
func (dialect) Alphabet(context.Context, *sql.DB) (table.Alphabet, error) { return nil, nil }

func (dialect) IDs(list string) string { return "id IN (" + list + ")" }

// Fetch uses package database/sql, which passes on the driver's own buffers.
func (dialect) Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) error {
	return table.Fetch(ctx, db, query, args, each)
}

func (dialect) PhysicalOrder() (column, placeholder string) { return "id", "?" }

// Contains uses LIKE, which is faster than instr.
func (dialect) Contains(word string) string { return "data LIKE " + table.LikePattern(word) }

func (dialect) Stamp(timestamp string) string {
	return timestamp + " || substr('0000000000000000000' || id, -19)"
}

// Exact returns the column, because SQLite compares byte by byte.
func (dialect) Exact(column string) string     { return column }
func (dialect) Rebind(statement string) string { return statement }

// Bind returns a context that is never done. The driver would interrupt the
// whole connection, but it must be known whether a transaction began and ended.
func (dialect) Bind(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func (d dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.Latest(ctx, c, d, traceIDs)
}

// statement bounds the statements that insert rows. A statement is short,
// because SQLite compiles it for each transaction.
var statement = table.Statement{Rows: 50, Bytes: 4 << 20, Prepare: true}

func (d dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	return table.Insert(ctx, c, d, rows, statement)
}

// Commit implements table.Dialect. If COMMIT fails because of readers, SQLite
// keeps the transaction open, and COMMIT can be repeated
// (https://www.sqlite.org/lang_transaction.html). Commit repeats it as long as
// SQLite itself would wait, but not after the context is done. A COMMIT without
// a transaction is an error in SQLite.
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

// commits is how often a COMMIT is repeated. Each attempt waits for
// driverPatience.
const commits = 20

// Suspect implements table.Errors. It returns false, because SQLite always
// reports why it refuses.
func (dialect) Suspect(error, time.Duration) bool { return false }

// LargestRow implements table.Bounded.
func (dialect) LargestRow() int64 { return largestDatabase() }

// Replaced reports whether the error may come from a database file that was
// removed or replaced while it was open. If so, it abandons all connections.
func (d dialect) Replaced(err error) bool {
	switch {
	case d.connection == nil:
		return noTable(err)
	case !replaced(err):
		return false
	}
	d.connection.renew(noTable(err))
	return true
}

// Absent implements table.Dialect.
func (dialect) Absent(err error) bool { return errors.Is(err, errAbsent) }

// Era returns a number that changes when the path leads to another database.
func (d dialect) Era() int64 {
	if d.connection == nil {
		return 0
	}
	return d.connection.era()
}

// Committed returns an error if the path no longer names the database to which
// a transaction was committed, because the database may have been removed.
func (dialect) Committed(c *sql.Conn) error {
	return c.Raw(func(raw any) error {
		if its, ok := raw.(*conn); ok {
			return its.committed()
		}
		return nil
	})
}
