package sql

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Notifications implements store.Store, in the order in which the rows were
// inserted. The rows of one page are read while those of the page before are
// parsed, and the caller has those before these.
func (s *Store) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	asked := backend.Text(baseID)
	rows := func(ctx context.Context) iter.Seq2[[]row, error] { return s.trace(ctx, asked) }
	pages := func(ctx context.Context) iter.Seq2[[]found, error] { return s.parsed(backend.Ahead(ctx, rows)) }
	return func(yield func(osprofiler.Notification, error) bool) {
		var seen backend.Unique
		exists := false
		for f, err := range each(ctx, s, backend.Ahead(ctx, pages)) {
			if err == nil {
				err = f.err
				if err == nil && f.BaseID != asked { // which the database takes for the same
					continue
				}
				exists = true
			}
			if err == nil && !seen.First(f.Notification) {
				continue
			}
			if !yield(f.Notification, err) || store.Ends(err) {
				return
			}
		}
		if !exists {
			yield(osprofiler.Notification{}, store.NotFound(baseID))
		}
	}
}

// trace yields the rows of a trace, and others that the database takes for
// such. It asks for their ids first: by them each page is as quick as the first
// one, whatever the planner knows of the table.
func (s *Store) trace(ctx context.Context, baseID string) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		var ids []int64
		err := s.use(ctx, func() (err error) {
			ids, err = s.ids(ctx, baseID)
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		s.pagesOf(ctx, ids)(yield)
	}
}

// ids returns the ids of a trace's rows, in order.
func (s *Store) ids(ctx context.Context, baseID string) (ids []int64, err error) {
	where, args := inTraces(s.lookedFor(baseID))
	var wrong error
	err = s.fetch(ctx, "SELECT id FROM data WHERE "+where+" ORDER BY id", args, func(values [][]byte) bool {
		var id int64
		id, wrong = strconv.ParseInt(string(values[0]), 10, 64)
		ids = append(ids, id)
		return wrong == nil
	})
	if err == nil {
		err = wrong
	}
	return ids, err
}

// each yields what is in pages, one by one.
func each[T any](ctx context.Context, s *Store, pages iter.Seq2[[]T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(new(T), err)
				return
			}
			for i := range page {
				if err := s.alive(ctx); err != nil {
					yield(new(T), err)
					return
				}
				if !yield(&page[i], nil) {
					return
				}
			}
		}
	}
}

// A found is the notification of a row, or the *store.Damage that says why
// there is none.
type found struct {
	osprofiler.Notification

	err error
}

// parsed makes notifications of pages of rows.
func (s *Store) parsed(pages iter.Seq2[[]row, error]) iter.Seq2[[]found, error] {
	return func(yield func([]found, error) bool) {
		for page, err := range pages {
			all := make([]found, len(page))
			for i := range page {
				all[i].Notification, all[i].err = s.decoded(&page[i])
			}
			if !yield(all, err) {
				return
			}
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
func (s *Store) rows(ctx context.Context, behind int64, where string, args ...any) iter.Seq2[*row, error] {
	return each(ctx, s, s.pagesBehind(ctx, behind, where, args...))
}
