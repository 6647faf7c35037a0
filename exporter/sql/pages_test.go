package sql

import (
	"context"
	"testing"

	"github.com/osprofiler-otel/osprofiler/store"
)

// oneLongTrace are n events, newest first, of a trace whose first event is
// earlier still; read counts the pages that were asked for.
type oneLongTrace struct {
	n, read int
}

func (o *oneLongTrace) page(_ context.Context, wanted int, _ string, _ ...any) (page []event, last *event, _ []error, _ error) {
	o.read++
	most := pageRows
	if wanted > 0 {
		most = min(most, wanted)
	}
	for ; o.n > 0 && len(page) < most; o.n-- {
		page = append(page, event{int64(o.n), "b", "2026-11-22T07:15:38.000000"})
	}
	if o.n > 0 {
		last = &page[len(page)-1]
	}
	return page, last, nil, nil
}

func (*oneLongTrace) firsts(context.Context, int64, []string) (map[string]event, error) {
	return map[string]event{"b": {0, "b", "2026-11-22T07:15:37.000000"}}, nil
}

// A small limit does not make small pages of all that lies before the first
// event of a trace.
func TestPagesGrow(t *testing.T) {
	for limit, most := range map[int]int{1: 140, 3: 140, 10_000: 130, 0: 130} {
		o := &oneLongTrace{n: 60_000}
		l := &listing{Store: &Store{}, q: store.Query{Limit: limit}, events: o, open: map[string]event{}, passed: map[string]bool{}}
		l.walk(t.Context(), true, func(_ store.Trace, err error) bool {
			t.Errorf("the listing yields something (%v)", err)
			return false
		})
		if o.n != 0 || o.read > most {
			t.Errorf("limit %d: %d pages were read, %d events are left; want at most %d and 0", limit, o.read, o.n, most)
		}
	}
}
