package sql

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A position is what a cursor of Changes tells: the row with the largest id that
// was yielded, a checksum of that row, and the gaps below it. The text is
// sql2:id:checksum, with :gaps behind it if there are any.
type position struct {
	id       int64
	checksum string
	gaps     gaps
}

// pass moves the position to a row, or removes the row's id from a gap.
func (p *position) pass(r *row, notesGaps bool, now int64) {
	if r.id <= p.id {
		p.gaps = p.gaps.without(r.id)
		return
	}
	if notesGaps && r.id > p.id+1 {
		p.gaps = p.gaps.recent(now, r.id).add(p.id+1, r.id-1, now)
	}
	p.id, p.checksum = r.id, checksumOf(r)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksumOf(r *row) string {
	sum := uint32(0)
	for _, value := range append(r.columns[:], r.data) {
		sum = crc32.Update(sum, castagnoli, []byte(value.String))
		sum = crc32.Update(sum, castagnoli, []byte{0})
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

const cursorVersion = "sql2"

func (p *position) cursor() store.Cursor {
	var room [64]byte
	text := strconv.AppendInt(append(room[:0], cursorVersion+":"...), p.id, 10)
	text = append(append(text, ':'), p.checksum...)
	if len(p.gaps) > 0 {
		text = p.gaps.append(append(text, ':'))
	}
	return store.Cursor(text)
}

// parsePosition reads what cursor wrote, and nothing else.
func parsePosition(from store.Cursor) (p position, err error) {
	parts := strings.Split(string(from), ":")
	ok := len(parts) == 3 || len(parts) == 4
	if ok {
		p.id, err = strconv.ParseInt(parts[1], 10, 64)
		p.checksum = parts[2]
	}
	if len(parts) == 4 {
		p.gaps, ok = parseGaps(parts[3])
		ok = ok && p.gaps[len(p.gaps)-1].to < p.id
	}
	if !ok || err != nil || p.id < 0 || p.cursor() != from {
		return position{}, fmt.Errorf("%q is no cursor of a SQL database", from)
	}
	return p, nil
}
