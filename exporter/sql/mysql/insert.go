package mysql

import (
	"context"
	"database/sql"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
)

// statement bounds the statements that insert rows. A server may accept packets
// of 1 MB only, and quoting doubles some bytes.
var statement = table.Statement{Rows: 1000, Bytes: 400 << 10}

// Latest uses separate statements. If the statement that inserts looked up rows
// itself, it would lock the rows that it reads.
func (d dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.Latest(ctx, c, d, traceIDs)
}

func (d dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	return table.Insert(ctx, c, d, rows, statement)
}
