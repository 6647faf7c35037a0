package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A place is what a cursor tells: the row with the largest id that was met, and
// the ids below it at which there was none.
type place struct {
	id    int64
	row   store.Cursor // of that row alone
	holes []span
}

// A span is of ids, both ends included.
type span struct{ from, to int64 }

// mostHoles is how many are looked for again, the latest. Transactions that
// were undone leave some for good.
const mostHoles = 16

// pass moves the place to a row, or fills a hole with it.
func (p *place) pass(r *row, holes bool) {
	if r.id <= p.id {
		p.fill(r.id)
		return
	}
	if holes && r.id > p.id+1 {
		p.holes = append(p.holes, span{p.id + 1, r.id - 1})
		p.holes = p.holes[max(0, len(p.holes)-mostHoles):]
	}
	p.id, p.row = r.id, cursorOf(r)
}

func (p *place) fill(id int64) {
	i := slices.IndexFunc(p.holes, func(h span) bool { return h.from <= id && id <= h.to })
	if i < 0 {
		return
	}
	h := p.holes[i]
	var parts []span
	if h.from < id {
		parts = append(parts, span{h.from, id - 1})
	}
	if id < h.to {
		parts = append(parts, span{id + 1, h.to})
	}
	p.holes = slices.Replace(slices.Clone(p.holes), i, i+1, parts...)
}

// late is the condition for rows that came to be in the holes; empty if there
// are none.
func (p *place) late() (where string, args []any) {
	var conditions []string
	for _, h := range p.holes {
		conditions = append(conditions, "id BETWEEN ? AND ?")
		args = append(args, h.from, h.to)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	return "(" + strings.Join(conditions, " OR ") + ")", args
}

func (p *place) cursor() store.Cursor {
	if len(p.holes) == 0 {
		return p.row
	}
	text := []byte(p.row)
	for i, h := range p.holes {
		text = append(text, ":,"[min(i, 1)])
		text = strconv.AppendInt(text, h.from, 10)
		text = strconv.AppendInt(append(text, '-'), h.to, 10)
	}
	return store.Cursor(text)
}

// parsePlace reads what cursor wrote, sql1:id:checksum:from-to,from-to, and
// nothing else.
func parsePlace(from store.Cursor) (p place, err error) {
	parts := strings.Split(string(from), ":")
	if len(parts) > 2 {
		p.id, err = strconv.ParseInt(parts[1], 10, 64)
		p.row = store.Cursor(strings.Join(parts[:3], ":"))
	}
	if len(parts) == 4 {
		for part := range strings.SplitSeq(parts[3], ",") {
			first, last, _ := strings.Cut(part, "-")
			var h span
			h.from, _ = strconv.ParseInt(first, 10, 64)
			h.to, _ = strconv.ParseInt(last, 10, 64)
			p.holes = append(p.holes, h)
		}
	}
	if err != nil || p.id < 0 || !strings.HasPrefix(string(from), fmt.Sprintf("sql1:%d:", p.id)) || p.cursor() != from || len(p.holes) > 2*mostHoles {
		return place{}, fmt.Errorf("%q is no cursor of a SQL database", from)
	}
	return p, nil
}
