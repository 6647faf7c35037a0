package sql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// lookedUp is how many trace_ids one statement looks for.
const lookedUp = 500

// Latest is what Dialect.Latest is, by lists in statements. It asks first which
// trace_ids there are. Nearly always there is none, which the index tells; to
// sort rows is dear even then. The sum keeps planners from walking through the
// table by its ids.
func Latest(ctx context.Context, c *sql.Conn, d Dialect, traceIDs []string) (rows []Row, _ error) {
	for asked := range slices.Chunk(traceIDs, lookedUp) {
		known, err := ReadTexts(ctx, c, "SELECT DISTINCT trace_id FROM data WHERE trace_id IN ("+placeholders(len(asked))+")", anys(asked)...)
		if err != nil {
			return nil, err
		}
		if len(known) == 0 {
			continue
		}
		found, err := latestOf(ctx, c, d, known)
		if len(found) == len(known)*SameTraceID && len(known) > 1 { // rows of one may have kept out another's
			found = nil
			for i := 0; i < len(known) && err == nil; i++ {
				var its []Row
				its, err = latestOf(ctx, c, d, known[i:i+1])
				found = append(found, its...)
			}
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// latestOf reads the latest rows with these trace_ids, so many as each may have.
func latestOf(ctx context.Context, c *sql.Conn, d Dialect, traceIDs []string) ([]Row, error) {
	query := fmt.Sprintf("SELECT %s, %s FROM data WHERE trace_id IN (%s) ORDER BY id + 0 DESC LIMIT %d",
		columnNames, d.Text(), placeholders(len(traceIDs)), len(traceIDs)*SameTraceID)
	return ReadRows(ctx, c, query, anys(traceIDs)...)
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

// Insert is what Dialect.Insert is, by statements of at most so many rows, and
// bytes unless a single row has more.
func Insert(ctx context.Context, c *sql.Conn, rows []Row, most, mostBytes int) (inserted int64, err error) {
	for len(rows) > 0 {
		var args []any
		bytes, count := 0, 0
		for count < min(len(rows), most) {
			if bytes += rows[count].Size(); count > 0 && bytes > mostBytes {
				break
			}
			args = rows[count].Args(args)
			count++
		}
		one := "(" + placeholders(len(columns)+1) + ")"
		result, err := c.ExecContext(ctx, "INSERT INTO data ("+ColumnList+") VALUES "+one+strings.Repeat(", "+one, count-1), args...)
		if err != nil {
			return inserted, err
		}
		affected, err := result.RowsAffected()
		if err != nil {
			return inserted, err
		}
		inserted += affected
		rows = rows[count:]
	}
	return inserted, nil
}

func placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }
