package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// maxDeleted is how many traces one transaction deletes. Each id takes up to two
// arguments of a statement. SQLite may allow only 999 arguments, and MariaDB makes
// a table of a list of 1,000.
const maxDeleted = 400

// Delete implements driver.Deleter. It deletes all rows of the trace in one
// transaction.
func (t *Table) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	counts, err := t.deleteTogether(ctx, []string{baseID})
	if err != nil {
		return 0, err
	}
	return counts[0], nil
}

// DeleteTraces implements driver.BulkDeleter. It deletes up to maxDeleted traces in
// one transaction. If another session deletes some of their rows meanwhile,
// DeleteTraces deletes these traces one by one, because otherwise the deleted rows
// cannot be attributed to traces.
func (t *Table) DeleteTraces(ctx context.Context, baseIDs []string) (deletions []driver.Deletion, err error) {
	deletions = make([]driver.Deletion, 0, len(baseIDs))
	for chunk := range slices.Chunk(baseIDs, maxDeleted) {
		counts, err := t.deleteTogether(ctx, chunk)
		if errors.Is(err, errAlsoDeleted) {
			counts, err = t.deleteEach(ctx, chunk)
		}
		for _, n := range counts {
			deletions = append(deletions, driver.Deletion{Notifications: n})
		}
		if err != nil {
			return deletions, err
		}
	}
	return deletions, nil
}

// deleteEach deletes the traces one by one. It returns the counts of the traces
// that it deleted before an error.
func (t *Table) deleteEach(ctx context.Context, baseIDs []string) (counts []int, err error) {
	for _, id := range baseIDs {
		n, err := t.Delete(ctx, id)
		if err != nil {
			return counts, err
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// errAlsoDeleted means that another session deleted rows of several traces.
var errAlsoDeleted = errors.New("another session deletes the same traces")

// deleteTogether deletes traces in one transaction. If it returns an error, it
// has deleted nothing.
func (t *Table) deleteTogether(ctx context.Context, baseIDs []string) (counts []int, err error) {
	if err := t.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-t.turn }()
	counts = make([]int, len(baseIDs))
	_, err = t.reading(ctx, func() error {
		return t.transact(ctx, func(c *connection) error {
			clear(counts)
			return t.deleteRows(ctx, c, baseIDs, counts)
		})
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

// deleteRows deletes the rows of traces page by page, and counts the rows of
// each trace.
func (t *Table) deleteRows(ctx context.Context, c *connection, baseIDs []string, counts []int) error {
	index := make(map[string]int, len(baseIDs))
	for i, id := range baseIDs {
		index[id] = i
	}
	where, args := inTraces(t.spellingsOf(baseIDs))
	for behind := int64(0); ; {
		page, err := t.rowsToDelete(ctx, c, behind, where, args)
		if err != nil || len(page) == 0 {
			return err
		}
		behind = page[len(page)-1].id
		ids, of := make([]int64, 0, len(page)), make([]int, 0, len(page))
		for i := range page {
			if trace, ok := index[page[i].traceOf()]; ok {
				ids, of = append(ids, page[i].id), append(of, trace)
			}
		}
		if err := t.deleteIDs(ctx, c, ids, of, counts); err != nil {
			return err
		}
	}
}

// deleteIDs deletes rows, and counts them. of contains the index of the trace of
// each row.
func (t *Table) deleteIDs(ctx context.Context, c *connection, ids []int64, of, counts []int) error {
	if len(ids) == 0 {
		return nil
	}
	result, err := c.ExecContext(t.dialect.Bind(ctx), "DELETE FROM data WHERE "+t.oneOf(ids))
	if err != nil {
		return err
	}
	affected, err := result.RowsAffected()
	switch {
	case err != nil:
		return err
	case len(counts) == 1:
		counts[0] += int(affected)
		return nil
	case int(affected) != len(ids):
		return errAlsoDeleted
	}
	for _, trace := range of {
		counts[trace]++
	}
	return nil
}

// spellingsOf returns the spellings of all ids, without duplicates.
func (t *Table) spellingsOf(baseIDs []string) (all []string) {
	for _, id := range baseIDs {
		all = append(all, t.spellings(id)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rowsToDelete reads a page of the rows whose column base_id may stand for one of
// the ids. It reads the data column only where that column may contradict
// base_id.
func (t *Table) rowsToDelete(ctx context.Context, c *connection, behind int64, where string, args []any) (page []Row, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	query := fmt.Sprintf("SELECT id, base_id, CASE WHEN %s OR %s THEN %s END FROM data WHERE id > ? AND %s ORDER BY id LIMIT %d",
		t.dialect.Contains(exactKey), t.dialect.Contains(columns[colBaseID]), t.dialect.Text(), where, pageRows)
	args = append([]any{behind}, args...)
	err = eachRow(t.dialect.Bind(ctx), c, t.dialect.Rebind(query), args, func(result *sql.Rows) error {
		var r Row
		err := result.Scan(&r.id, &r.columns[colBaseID], &r.data)
		page = append(page, r)
		return err
	})
	return page, err
}

// traceOf returns the base id of a row. The row has only the columns that
// rowsToDelete reads.
func (r *Row) traceOf() string {
	if r.data.Valid {
		if n, err := decode(r); err == nil {
			return driver.Text(n.BaseID)
		}
	}
	return driver.Text(r.columns[colBaseID].String)
}
