package mysql

import (
	"context"
	"database/sql"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
)

// A server may take packets of 1 MB only, and quoting doubles some bytes.
var statement = table.Statement{Rows: 1000, Bytes: 400 << 10}

// Latest: to have the statement that inserts look by itself would lock what it reads.
func (d dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.Latest(ctx, c, d, traceIDs)
}

func (d dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	return table.Insert(ctx, c, d, rows, statement)
}
