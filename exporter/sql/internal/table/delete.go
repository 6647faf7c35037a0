package table

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Delete implements driver.Deleter. It deletes all rows of the trace in one
// transaction.
func (t *Table) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	if err := t.takeTurn(ctx); err != nil {
		return 0, err
	}
	defer func() { <-t.turn }()
	_, err = t.reading(ctx, func() error {
		return t.transact(ctx, func(c *connection) (err error) {
			notifications, err = t.deleteTrace(ctx, c, baseID)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	return notifications, nil
}

// deleteTrace deletes the rows page by page.
func (t *Table) deleteTrace(ctx context.Context, c *connection, baseID string) (deleted int, err error) {
	behind := int64(0)
	for {
		page, err := t.rowsToDelete(ctx, c, behind, baseID)
		if err != nil || len(page) == 0 {
			return deleted, err
		}
		behind = page[len(page)-1].id
		ids := make([]int64, 0, len(page))
		for i := range page {
			if page[i].isOf(baseID) {
				ids = append(ids, page[i].id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		result, err := c.ExecContext(t.dialect.Bind(ctx), "DELETE FROM data WHERE "+t.oneOf(ids))
		if err != nil {
			return 0, err
		}
		affected, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		deleted += int(affected)
	}
}

// rowsToDelete reads a page of the rows whose column base_id may stand for the
// id, with the data column where that column may contradict it.
func (t *Table) rowsToDelete(ctx context.Context, c *connection, behind int64, baseID string) (page []Row, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	where, args := inTraces(t.spellings(baseID))
	query := fmt.Sprintf("SELECT id, base_id, CASE WHEN %s OR %s THEN %s END FROM data WHERE id > ? AND %s ORDER BY id LIMIT %d",
		t.dialect.Contains(exactKey), t.dialect.Contains(columns[colBaseID]), t.dialect.Text(), where, pageRows)
	err = eachRow(t.dialect.Bind(ctx), c, t.dialect.Rebind(query), slices.Insert(args, 0, any(behind)), func(result *sql.Rows) error {
		var r Row
		err := result.Scan(&r.id, &r.columns[colBaseID], &r.data)
		page = append(page, r)
		return err
	})
	return page, err
}

// isOf reports whether a row belongs to a trace. The row has only the columns
// that rowsToDelete reads.
func (r *Row) isOf(baseID string) bool {
	if r.data.Valid {
		if n, err := decode(r); err == nil {
			return driver.Text(n.BaseID) == baseID
		}
	}
	return driver.Text(r.columns[colBaseID].String) == baseID
}
