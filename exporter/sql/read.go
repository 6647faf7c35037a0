package sql

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A page is what is read at once. Between two pages the database is free, so
// the caller's code may take its time, or use the store.
const (
	pageRows  = 500
	pageBytes = 4 << 20 // a page ends behind the row that goes beyond
)

// Notifications implements store.Store, in the order in which the rows were
// inserted.
func (s *Store) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		asked := backend.Text(baseID)
		where, args := inTraces(s.lookedFor(asked))
		var seen backend.Unique
		found := false
		for r, err := range s.rows(ctx, 0, where, args...) {
			var n osprofiler.Notification
			if err == nil {
				found = true
				if n, err = s.decoded(&r); err == nil && (n.BaseID != asked || !seen.First(n)) {
					continue
				}
			}
			if !yield(n, err) || store.Ends(err) {
				return
			}
		}
		if !found {
			yield(osprofiler.Notification{}, store.NotFound(baseID))
		}
	}
}

// decoded makes the notification of a row, or the *store.Damage that says why
// it cannot.
func (s *Store) decoded(r *row) (osprofiler.Notification, error) {
	n, err := decode(r)
	if err != nil {
		return n, &store.Damage{Place: fmt.Sprintf("row %d of the table data in %s", r.id, s.dialect.Name()), Reason: err}
	}
	return n, nil
}

// rows yields the rows behind an id that a condition holds for, by their ids.
func (s *Store) rows(ctx context.Context, behind int64, where string, args ...any) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for more := true; more; {
			var page []row
			err := s.use(ctx, func() (err error) {
				page, more, err = s.page(ctx, pageRows, "id > ? AND "+where+" ORDER BY id", append([]any{behind}, args...)...)
				return err
			})
			if err != nil {
				yield(row{}, err)
				return
			}
			for i := range page {
				if err := s.alive(ctx); err != nil {
					yield(row{}, err)
					return
				}
				if !yield(page[i], nil) {
					return
				}
				behind = page[i].id
			}
		}
	}
}

// page reads the first rows that a condition holds for, so many at most, and
// tells whether there may be more.
func (s *Store) page(ctx context.Context, most int, where string, args ...any) (page []row, more bool, err error) {
	query := fmt.Sprintf("SELECT id, %s, %s FROM data WHERE %s LIMIT %d", columnNames, s.dialect.Text(), where, most)
	rows, err := s.queryRows(ctx, query, args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	bytes := 0
	for rows.Next() {
		var r row
		if err := rows.Scan(r.into()...); err != nil {
			return nil, false, err
		}
		page = append(page, r)
		if bytes += len(r.data.String); bytes > pageBytes {
			return page, true, nil
		}
	}
	return page, len(page) == most, rows.Err()
}
