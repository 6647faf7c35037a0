package mysql

import (
	"context"
	"database/sql"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
)

// Rows and bytes of one statement. A server may take packets of 1 MB only, and
// quoting doubles some bytes.
const (
	statementRows  = 1000
	statementBytes = 400 << 10
)

// Latest: to have the statement that inserts look by itself would lock what it reads.
func (d dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.Latest(ctx, c, d, traceIDs)
}

func (dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	return table.Insert(ctx, c, rows, statementRows, statementBytes)
}
