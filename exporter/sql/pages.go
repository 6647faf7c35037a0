package sql

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// A page is what is read at once. Between two pages the database is free, so
// the caller's code may take its time, or use the store.
const (
	pageRows  = 900     // of a list of 1,000 ids MariaDB makes a table
	firstRows = 225     // of the first page, when it is not known how large rows are
	pageBytes = 4 << 20 // a page ends behind the row that goes beyond
)

// page reads the first rows that a condition holds for, so many at most, and
// tells whether there may be more.
func (s *Store) page(ctx context.Context, most int, where string, args ...any) (page []row, more bool, err error) {
	query := fmt.Sprintf("SELECT id, %s, %s FROM data WHERE %s LIMIT %d", columnNames, s.dialect.Text(), where, most)
	var r row
	var wrong error
	bytes := 0
	err = s.fetch(ctx, query, args, func(values [][]byte) bool {
		if wrong = r.set(values); wrong != nil {
			return false
		}
		if page == nil {
			page = make([]row, 0, most)
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

// pagesBehind yields the rows behind an id that a condition holds for, by
// their ids.
func (s *Store) pagesBehind(ctx context.Context, id int64, where string, args ...any) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		most := firstRows
		for more := true; more; {
			var page []row
			err := s.use(ctx, func() (err error) {
				page, more, err = s.page(ctx, most, "id > ? AND "+where+" ORDER BY id", append([]any{id}, args...)...)
				return err
			})
			if !yield(page, err) || err != nil {
				return
			}
			if more {
				id = page[len(page)-1].id
			}
			most = next(page)
		}
	}
}

// pagesOf yields the rows with these ids, which ascend.
func (s *Store) pagesOf(ctx context.Context, ids []int64) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		most := firstRows
		for len(ids) > 0 {
			asked := ids[:min(most, len(ids))]
			var page []row
			more := false
			err := s.use(ctx, func() (err error) {
				page, more, err = s.page(ctx, len(asked), s.oneOf(asked)+" ORDER BY id")
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
			most = next(page)
		}
	}
}

// next is how many rows to ask for after a page: twice as many, but no more than
// are likely to fit. What is behind the bytes of a page is sent all the same.
func next(page []row) int {
	bytes := 1
	for i := range page {
		bytes += len(page[i].data.String)
	}
	return max(1, min(pageRows, max(2*len(page), firstRows), len(page)*pageBytes/bytes))
}

// oneOf is the condition that a row has one of these ids, which ascend.
func (s *Store) oneOf(ids []int64) string {
	if first, last := ids[0], ids[len(ids)-1]; last-first == int64(len(ids)-1) {
		return fmt.Sprintf("id BETWEEN %d AND %d", first, last) // as of a trace that was written at once
	}
	var list []byte
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, id, 10)
	}
	return s.dialect.IDs(string(list))
}
