package sql

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// Changes implements store.Changer, in the order of the rows' ids. A cursor tells
// the id of a row and a checksum of the row: in another database, or one that was
// made anew, that row has other content, and the cursor is an error. If old rows
// were deleted, the cursor still holds.
//
// Where several write at once, a row may be committed after one with a larger
// id, and ids may step by more than one. So a cursor also tells the ids without a
// row that were passed within the last hour. Changes looks for rows there first.
// To keep the cursor short it may yield some rows again.
func (s *Store) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		before, err := s.era(ctx)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		at, err := s.position(ctx, from)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		yield = s.within(before, yield)
		now := time.Now().Unix() / period
		if !s.late(ctx, &at, now, yield) {
			return
		}
		s.change(ctx, &at, now, at.id, "TRUE", yield)
	}
}

// late yields the rows that came to be in the gaps of a position. It returns
// false when the sequence is over.
func (s *Store) late(ctx context.Context, at *position, now int64, yield func(store.Change, error) bool) bool {
	grown, counted, err := s.grown(ctx, at.gaps)
	if err != nil {
		yield(store.Change{}, err)
		return false
	}
	if len(grown) > 0 {
		// The last row waits until all are read, because only then the cursor may
		// tell that there are no more.
		var last *store.Change
		hold := func(c store.Change, err error) bool {
			if err != nil {
				return yield(c, err)
			}
			if last != nil && !yield(*last, nil) {
				return false
			}
			last = &c
			return true
		}
		if !s.change(ctx, at, now, 0, grown.condition(), hold) {
			return false
		}
		at.gaps = at.gaps.counted(counted)
		if last != nil {
			last.Cursor = at.cursor()
			if !yield(*last, nil) {
				return false
			}
		}
	}
	at.gaps = at.gaps.recent(now, at.id)
	return true
}

// grown returns the gaps in which there may be new rows, and what is in the joined
// ones among them now.
func (s *Store) grown(ctx context.Context, all gaps) (grown, counted gaps, err error) {
	for _, g := range all {
		if !g.joined || g.rows < 0 {
			grown = append(grown, g)
			continue
		}
		now := g
		err := s.use(ctx, func() error {
			return s.queryRow(ctx, fmt.Sprintf("SELECT count(*), coalesce(sum(id - %d), 0) FROM data WHERE %s", g.from, g.condition())).Scan(&now.rows, &now.sum)
		})
		if err != nil {
			return nil, nil, err
		}
		if now != g {
			grown, counted = append(grown, g), append(counted, now)
		}
	}
	return grown, counted, nil
}

// change yields the rows behind an id that a condition holds for, and moves the
// position on. It returns false when the sequence is over.
func (s *Store) change(ctx context.Context, at *position, now, behind int64, where string, yield func(store.Change, error) bool) bool {
	for r, err := range s.rows(ctx, behind, where) {
		var c store.Change
		if err == nil {
			c.Notification, err = s.decoded(r)
			at.pass(r, s.Writers > 1, now)
			c.Cursor = at.cursor()
		}
		if !yield(c, err) || store.Ends(err) {
			return false
		}
	}
	return true
}

// position returns the cursor's position, after it made sure that the row there
// is still the same, or was deleted.
func (s *Store) position(ctx context.Context, from store.Cursor) (at position, err error) {
	if err := s.alive(ctx); err != nil || from == "" {
		return at, err
	}
	at, err = parsePosition(from)
	if err != nil {
		return at, err
	}
	var rows []row
	var last sql.NullInt64
	err = s.use(ctx, func() (err error) {
		if rows, _, err = s.page(ctx, 1, "id = ?", at.id); err != nil {
			return err
		}
		return s.queryRow(ctx, "SELECT max(id) FROM data").Scan(&last)
	})
	if err != nil {
		return at, err
	}
	if len(rows) == 1 && checksumOf(&rows[0]) != at.checksum || len(rows) == 0 && last.Int64 < at.id {
		return at, fmt.Errorf("the cursor %q does not belong to the database %s, or the database was made anew", from, s.dialect.Name())
	}
	return at, nil
}
