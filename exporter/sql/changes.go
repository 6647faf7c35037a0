package sql

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"iter"
	"strconv"

	"github.com/osprofiler-otel/osprofiler/store"
)

// Changes implements store.Changer, in the order in which the rows were
// inserted. A cursor is a row's id and a checksum of what it says: in another
// database, or one that was made anew, that row says something else, and the
// cursor is an error. If old rows were deleted, it still holds.
//
// Where several write at once, a row may be committed after one with a larger
// id. So a cursor also tells the latest ids that were skipped, which are looked
// for when it is gone on from.
func (s *Store) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		at, err := s.position(ctx, from)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		if where, args := at.late(); where != "" && !s.change(ctx, &at, 0, where, args, yield) {
			return
		}
		s.change(ctx, &at, at.id, "TRUE", nil, yield)
	}
}

// change yields the rows that a condition holds for, and moves the place on. It
// returns false when the sequence is over.
func (s *Store) change(ctx context.Context, at *place, behind int64, where string, args []any, yield func(store.Change, error) bool) bool {
	for r, err := range s.rows(ctx, behind, where, args...) {
		var c store.Change
		if err == nil {
			c.Notification, err = s.decoded(r)
			at.pass(r, s.Writers > 1)
			c.Cursor = at.cursor()
		}
		if !yield(c, err) || store.Ends(err) {
			return false
		}
	}
	return true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func cursorOf(r *row) store.Cursor {
	sum := uint32(0)
	for _, value := range append(r.columns[:], r.data) {
		sum = crc32.Update(sum, castagnoli, []byte(value.String))
		sum = crc32.Update(sum, castagnoli, []byte{0})
	}
	var room [64]byte
	text := strconv.AppendInt(append(room[:0], "sql1:"...), r.id, 10)
	return store.Cursor(hex.AppendEncode(append(text, ':'), binary.BigEndian.AppendUint32(nil, sum)))
}

// position returns the cursor's place, after it has seen that its row is the
// same still, or was deleted.
func (s *Store) position(ctx context.Context, from store.Cursor) (at place, err error) {
	if err := s.alive(ctx); err != nil || from == "" {
		return at, err
	}
	at, err = parsePlace(from)
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
	if len(rows) == 1 && cursorOf(&rows[0]) != at.row || len(rows) == 0 && last.Int64 < at.id {
		return at, fmt.Errorf("the cursor %q does not belong to the database %s, or the database was made anew", from, s.dialect.Name())
	}
	return at, nil
}
