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
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
)

// Changes implements store.Changer, in the order in which the rows were
// inserted. A cursor is a row's id and a checksum of what it says: in another
// database, or one that was made anew, that row says something else, and the
// cursor is an error. If old rows were deleted, it still holds.
func (s *Store) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		behind, err := s.position(ctx, from)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		for r, err := range s.rows(ctx, behind, "TRUE") {
			var c store.Change
			if err == nil {
				c.Notification, err = s.decoded(&r)
				c.Cursor = cursorOf(&r)
			}
			if !yield(c, err) || ended(err) {
				return
			}
		}
	}
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

// position returns the id of the cursor's row, after it has seen that it is
// the same row still, or was deleted.
func (s *Store) position(ctx context.Context, from store.Cursor) (id int64, err error) {
	if err := s.alive(ctx); err != nil || from == "" {
		return 0, err
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(string(from), "sql1:"), ":")
	id, err = strconv.ParseInt(number, 10, 64)
	if err != nil || id < 0 || !strings.HasPrefix(string(from), fmt.Sprintf("sql1:%d:", id)) {
		return 0, fmt.Errorf("%q is no cursor of a SQL database", from)
	}
	var page []row
	var last sql.NullInt64
	err = s.use(ctx, func() (err error) {
		if page, _, err = s.page(ctx, 1, "id = ?", id); err != nil {
			return err
		}
		return s.queryRow(ctx, "SELECT max(id) FROM data").Scan(&last)
	})
	if err != nil {
		return 0, err
	}
	if len(page) == 1 && cursorOf(&page[0]) != from || len(page) == 0 && last.Int64 < id {
		return 0, fmt.Errorf("the cursor %q does not belong to the database %s, or the database was made anew", from, s.dialect.Name())
	}
	return id, nil
}
