package table

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// lookedUp is the number of trace_ids that one statement looks for.
const lookedUp = 500

// Latest implements Dialect.Latest by statements with lists of trace_ids. First
// it checks which trace_ids exist. Usually none do, and the index answers that
// without a sort. `id + 0` stops the planner from using the primary key instead
// of the index on trace_id.
func Latest(ctx context.Context, c *sql.Conn, d Dialect, traceIDs []string) (rows []Row, _ error) {
	for asked := range slices.Chunk(traceIDs, lookedUp) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		stored, err := ReadTexts(d.Bind(ctx), c, "SELECT DISTINCT trace_id FROM data WHERE trace_id IN ("+placeholders(len(asked))+")", anys(asked)...)
		if err != nil {
			return nil, err
		}
		latest, err := latestOfAll(ctx, c, d, stored)
		if err != nil {
			return nil, err
		}
		rows = append(rows, latest...)
	}
	return rows, nil
}

// latestOfAll reads the latest rows with these trace_ids. If one trace_id has so
// many rows that they may displace the rows of another, each trace_id is asked
// for by itself.
func latestOfAll(ctx context.Context, c *sql.Conn, d Dialect, traceIDs []string) (rows []Row, err error) {
	if len(traceIDs) == 0 {
		return nil, nil
	}
	rows, err = latestOf(ctx, c, d, traceIDs)
	if err != nil || len(rows) < len(traceIDs)*SameTraceID || len(traceIDs) == 1 {
		return rows, err
	}
	rows = nil
	for i := range traceIDs {
		latest, err := latestOf(ctx, c, d, traceIDs[i:i+1])
		if err != nil {
			return nil, err
		}
		rows = append(rows, latest...)
	}
	return rows, nil
}

// latestOf reads the latest rows with these trace_ids, at most SameTraceID times
// the number of trace_ids.
func latestOf(ctx context.Context, c *sql.Conn, d Dialect, traceIDs []string) ([]Row, error) {
	query := fmt.Sprintf("SELECT %s, %s FROM data WHERE trace_id IN (%s) ORDER BY id + 0 DESC LIMIT %d",
		columnNames, d.Text(), placeholders(len(traceIDs)), len(traceIDs)*SameTraceID)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return ReadRows(d.Bind(ctx), c, query, anys(traceIDs)...)
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

// A Statement bounds the statements that insert rows.
type Statement struct {
	Rows  int // at most
	Bytes int // at most, unless a single row has more
	// Prepare prepares the statement for many rows once. It suits a database for
	// which that takes no round trip.
	Prepare bool
}

// Insert implements Dialect.Insert with statements that contain lists of rows.
// It stops between two statements if the context is done.
func Insert(ctx context.Context, c *sql.Conn, d Dialect, rows []Row, limit Statement) (inserted int64, err error) {
	full := insertion(limit.Rows)
	execute := func(args ...any) (sql.Result, error) { return c.ExecContext(d.Bind(ctx), full, args...) }
	if limit.Prepare && len(rows) >= 2*limit.Rows {
		prepared, err := c.PrepareContext(d.Bind(ctx), full)
		if err != nil {
			return 0, err
		}
		defer func() { _ = prepared.Close() }()
		execute = func(args ...any) (sql.Result, error) { return prepared.ExecContext(d.Bind(ctx), args...) }
	}
	args := make([]any, 0, min(len(rows), limit.Rows)*(len(columns)+1))
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return inserted, err
		}
		count := limit.count(rows)
		args = args[:0]
		for i := range count {
			args = rows[i].Args(args)
		}
		run := execute
		if count < limit.Rows {
			run = func(args ...any) (sql.Result, error) { return c.ExecContext(d.Bind(ctx), insertion(count), args...) }
		}
		result, err := run(args...)
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

// count returns how many of the rows one statement inserts.
func (s Statement) count(rows []Row) int {
	bytes := 0
	for i := range rows {
		if bytes += rows[i].Size(); i > 0 && (i == s.Rows || bytes > s.Bytes) {
			return i
		}
	}
	return len(rows)
}

// insertion returns the statement that inserts that number of rows.
func insertion(rows int) string {
	one := "(" + placeholders(len(columns)+1) + ")"
	return "INSERT INTO data (" + ColumnList + ") VALUES " + one + strings.Repeat(", "+one, rows-1)
}

func placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }
