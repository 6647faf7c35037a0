package table

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Notifications implements driver.Reader, in the order in which the rows were
// inserted. Three pages are in work at once: one is read while the previous one
// is parsed and the caller works on the page before that.
func (t *Table) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	rows := func(ctx context.Context) iter.Seq2[[]Row, error] { return t.trace(ctx, baseID) }
	pages := func(ctx context.Context) iter.Seq2[[]entry, error] { return t.parsed(baseID, paging.Ahead(ctx, rows)) }
	return func(yield func(osprofiler.Notification, error) bool) {
		for e, err := range each(paging.Ahead(ctx, pages)) {
			if err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			if !yield(e.Notification, e.err) {
				return
			}
		}
	}
}

// trace yields the rows of a trace, and rows of other traces if the database does
// not distinguish their base ids. It reads the ids of the rows first. With the
// ids, each page is read as fast as the first one, whatever the planner knows
// about the table.
func (t *Table) trace(ctx context.Context, baseID string) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		var ids []int64
		_, err := t.reading(ctx, func() (err error) {
			ids, err = t.ids(ctx, baseID)
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		t.pagesOf(ctx, ids, t.dialect.Text(), firstRows)(yield)
	}
}

// ids returns the ids of the rows of a trace, in order.
func (t *Table) ids(ctx context.Context, baseID string) (ids []int64, err error) {
	where, args := inTraces(t.spellings(baseID))
	var wrong error
	err = t.fetch(ctx, "SELECT id FROM data WHERE "+where+" ORDER BY id", args, func(values [][]byte) bool {
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

// spellings returns the texts that the column base_id may contain for the id of
// a trace: the short form, and the whole id, which the Python library stores if
// the database allows it.
func (t *Table) spellings(baseID string) []string {
	alphabet := t.characters()
	short := alphabet.spelled(colBaseID, shortened(colBaseID, baseID).String)
	if short != baseID && alphabet.holds(baseID) {
		return []string{short, baseID}
	}
	return []string{short}
}

// inTraces returns the condition that the column base_id has one of the values.
// The empty value also stands for NULL.
func inTraces(baseIDs []string) (where string, args []any) {
	where = "base_id IN (" + placeholders(len(baseIDs)) + ")"
	if slices.Contains(baseIDs, "") {
		where = "(base_id IS NULL OR " + where + ")"
	}
	return where, anys(baseIDs)
}

// each yields the elements of pages, one by one.
func each[T any](pages iter.Seq2[[]T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(new(T), err)
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return
				}
			}
		}
	}
}

// An entry is the notification of a row, or the *store.DamageError that says why
// the row has none.
type entry struct {
	osprofiler.Notification

	err error
}

// parsed parses pages of rows that were read for a trace.
func (t *Table) parsed(baseID string, pages iter.Seq2[[]Row, error]) iter.Seq2[[]entry, error] {
	return func(yield func([]entry, error) bool) {
		for page, err := range pages {
			entries := make([]entry, len(page))
			for i := range page {
				if entries[i].Notification, entries[i].err = decode(&page[i]); entries[i].err != nil {
					inTrace := slices.Contains(t.spellings(baseID), page[i].columns[colBaseID].String)
					entries[i].err = t.damage(&page[i], inTrace, entries[i].err)
				}
			}
			if !yield(entries, err) {
				return
			}
		}
	}
}

// damage returns the error about a row that cannot be read.
func (t *Table) damage(r *Row, inTrace bool, reason error) error {
	return &store.DamageError{
		Entry: fmt.Sprintf("row %d of the table data in %s", r.id, t.dialect.Name()), InTrace: inTrace,
		BaseID: r.columns[colBaseID].String, Reason: reason,
	}
}

// A page is the set of rows that is read at once. No statement waits for the
// caller between two pages, so the caller's code may take its time, or use the
// store.
const (
	pageRows  = 900 // MariaDB makes a table of a list of 1,000 ids
	firstRows = 32  // rows of the first page, when the size of rows is not known yet
	pageBytes = paging.PageBytes
)

// newPager returns the pager of a sequence of rows. The database sends even the
// rows that exceed the bytes of a page. So a page should not ask for many more
// rows than fit.
func newPager(first int) *paging.Pager {
	return &paging.Pager{First: first, Most: pageRows, Bytes: pageBytes}
}

func sizeOf(page []Row) (bytes int) {
	for i := range page {
		bytes += len(page[i].data.String)
	}
	return bytes
}

// page reads the first rows that fulfil a condition, at most the given number,
// with an expression for the column data. It reports whether there may be more
// rows.
func (t *Table) page(ctx context.Context, most int, data, where string, args ...any) (page []Row, more bool, err error) {
	query := fmt.Sprintf("SELECT id, %s, %s FROM data WHERE %s LIMIT %d", columnNames, data, where, most)
	var r Row
	var wrong error
	bytes := 0
	err = t.fetch(ctx, query, args, func(values [][]byte) bool {
		if wrong = r.set(values); wrong != nil {
			return false
		}
		if page == nil {
			page = make([]Row, 0, most)
		}
		page = append(page, r)
		bytes += len(r.data.String)
		return bytes <= pageBytes
	})
	if err == nil {
		err = wrong
	}
	return page, len(page) == most || bytes > pageBytes, err
}

// errNoTable means that there is no table, or that the table is gone.
var errNoTable = errors.New(`there is no table "data"`)

// pagesBehind yields the rows with larger ids that fulfil a condition, in the
// order of their ids. Its error is errNoTable if there is no table.
func (t *Table) pagesBehind(ctx context.Context, id int64, where string, args ...any) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		pager := newPager(firstRows)
		for more := true; more; {
			var page []Row
			exists, err := t.reading(ctx, func() (err error) {
				page, more, err = t.page(ctx, pager.Next(), t.dialect.Text(), "id > ? AND "+where+" ORDER BY id", append([]any{id}, args...)...)
				return err
			})
			if err == nil && !exists {
				err = errNoTable
			}
			if !yield(page, err) || err != nil {
				return
			}
			if more {
				id = page[len(page)-1].id
			}
			pager.Add(len(page), sizeOf(page))
		}
	}
}

// pagesOf yields the rows with these ids, which must ascend, with an expression
// for the column data. The first page has at most first rows.
func (t *Table) pagesOf(ctx context.Context, ids []int64, data string, first int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		pager := newPager(first)
		for len(ids) > 0 {
			asked := ids[:min(pager.Next(), len(ids))]
			var page []Row
			more := false
			_, err := t.reading(ctx, func() (err error) {
				page, more, err = t.page(ctx, len(asked), data, t.oneOf(asked)+" ORDER BY id")
				return err
			})
			if !yield(page, err) || err != nil {
				return
			}
			last := asked[len(asked)-1]
			if more {
				last = page[len(page)-1].id
			}
			ids = ids[slices.Index(asked, last)+1:]
			pager.Add(len(page), sizeOf(page))
		}
	}
}

// oneOf returns the condition that a row has one of these ids, which must
// ascend.
func (t *Table) oneOf(ids []int64) string {
	if first, last := ids[0], ids[len(ids)-1]; last-first == int64(len(ids)-1) {
		return fmt.Sprintf("id BETWEEN %d AND %d", first, last) // consecutive ids, such as those of a trace that was written at once
	}
	var list []byte
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, id, 10)
	}
	return t.dialect.IDs(string(list))
}
