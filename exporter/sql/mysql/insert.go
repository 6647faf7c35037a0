package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
)

// lookedUp is how many trace_ids one statement looks for.
const lookedUp = 500

// Latest asks first which trace_ids there are. Nearly always there is none,
// which the index tells; to sort rows is dear even then. To have the statement
// that inserts look by itself would lock what it reads.
func (d dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) (rows []table.Row, _ error) {
	for asked := range slices.Chunk(traceIDs, lookedUp) {
		known, err := table.ReadTexts(ctx, c, "SELECT DISTINCT trace_id FROM data WHERE trace_id IN "+list(len(asked)), anys(asked)...)
		if err != nil {
			return nil, err
		}
		if len(known) == 0 {
			continue
		}
		query := fmt.Sprintf("SELECT %s, %s FROM data WHERE trace_id IN %s ORDER BY id DESC LIMIT %d",
			strings.Join(table.Columns(), ", "), d.Text(), list(len(known)), len(known)*table.SameTraceID)
		found, err := table.ReadRows(ctx, c, query, anys(known)...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

// list is a list of so many placeholders.
func list(count int) string { return "(?" + strings.Repeat(", ?", count-1) + ")" }

// Rows and bytes of one statement. A server may take packets of 1 MB only, and
// quoting doubles some bytes.
const (
	statementRows  = 1000
	statementBytes = 400 << 10
)

// Insert sends statements of many rows.
func (dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) error {
	for len(rows) > 0 {
		var args []any
		bytes, count := 0, 0
		for count < min(len(rows), statementRows) {
			if bytes += rows[count].Size(); count > 0 && bytes > statementBytes {
				break
			}
			args = rows[count].Args(args)
			count++
		}
		one := list(len(args) / count)
		if _, err := c.ExecContext(ctx, "INSERT INTO data ("+table.ColumnList+") VALUES "+one+strings.Repeat(", "+one, count-1), args...); err != nil {
			return err
		}
		rows = rows[count:]
	}
	return nil
}
