package file

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Changes implements store.Changer, in the order of the file. A cursor is the
// place behind a line, with the line's length and checksum: in a file that was
// replaced, or cut and written anew, there is no such line, and the cursor is
// an error.
func (s *Store) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		offset, err := s.position(ctx, from)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		for e, err := range s.entries(ctx, offset, func([]byte) bool { return true }) {
			c := store.Change{Notification: e.Notification}
			if err == nil {
				c.Cursor = cursorBehind(e.start, e.line)
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func cursorBehind(start int64, line []byte) store.Cursor {
	var room [64]byte
	text := append(room[:0], "file1:"...)
	text = append(strconv.AppendInt(text, start+int64(len(line)), 10), ':')
	text = append(strconv.AppendInt(text, int64(len(line)), 10), ':')
	return store.Cursor(hex.AppendEncode(text, binary.BigEndian.AppendUint32(nil, crc32.Checksum(line, castagnoli))))
}

// position returns where to go on, after it has seen that the cursor's line is
// still there.
func (s *Store) position(ctx context.Context, from store.Cursor) (int64, error) {
	if err := s.alive(ctx); err != nil || from == "" {
		return 0, err
	}
	behind, length, ok := split(from)
	if !ok {
		return 0, fmt.Errorf("%q is no cursor of a file", from)
	}
	f, size, err := s.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	changed := fmt.Errorf("the cursor %q does not belong to the file %q, or the file was replaced", from, s.path)
	if behind > size {
		return 0, changed
	}
	line := make([]byte, length)
	if _, err := f.ReadAt(line, behind-length); err != nil {
		return 0, fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err))
	}
	if cursorBehind(behind-length, line) != from {
		return 0, changed
	}
	return behind, nil
}

// split reads the numbers of a cursor; whether they belong to a line is not known.
func split(from store.Cursor) (behind, length int64, ok bool) {
	parts := strings.Split(string(from), ":")
	if len(parts) != 4 || parts[0] != "file1" {
		return 0, 0, false
	}
	behind, err := strconv.ParseInt(parts[1], 10, 64)
	length, err2 := strconv.ParseInt(parts[2], 10, 64)
	ok = errors.Join(err, err2) == nil && 0 < length && length <= longest && length <= behind
	return behind, length, ok
}
