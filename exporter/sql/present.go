package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Missing returns those of the rows that the table does not hold, equal ones
// once: for databases whose statements cannot find out by themselves. Rows
// without a trace_id it takes for missing.
func Missing(ctx context.Context, c *sql.Conn, d Dialect, rows []Row) ([]Row, error) {
	byTraceID := map[string][]int{}
	var ids []any
	met := map[Row]bool{}
	for i := range rows {
		if id, ok := rows[i].TraceID().(string); ok {
			if len(byTraceID[id]) == 0 {
				ids = append(ids, id)
			}
			byTraceID[id] = append(byTraceID[id], i)
		}
	}
	if len(ids) > 0 {
		err := stored(ctx, c, d, ids, func(r *row) {
			for _, i := range byTraceID[r.columns[colTraceID].String] {
				met[rows[i]] = met[rows[i]] || rows[i].sameAs(r)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	missing := make([]Row, 0, len(rows))
	for _, r := range rows {
		if !met[r] {
			met[r] = true
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// stored hands over the latest rows with these trace_ids, one at a time.
func stored(ctx context.Context, c *sql.Conn, d Dialect, ids []any, each func(*row)) (err error) {
	found, err := c.QueryContext(ctx, d.Rebind(fmt.Sprintf("SELECT id, %s, %s FROM data WHERE trace_id IN (%s) ORDER BY id DESC LIMIT %d",
		columnNames, d.Text(), placeholders(len(ids)), len(ids)*SameTraceID)), ids...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var r row
		if err := found.Scan(r.into()...); err != nil {
			return err
		}
		r.id = 0
		each(&r)
	}
	return found.Err()
}

// sameAs tells whether a row that was read is this one. A database may have
// written its data in another way.
func (r *Row) sameAs(read *row) bool {
	if r.row == *read {
		return true
	}
	if r.columns != read.columns {
		return false
	}
	ours, err := r.inner()
	theirs, err2 := read.inner()
	return err == nil && err2 == nil && ours == theirs
}
