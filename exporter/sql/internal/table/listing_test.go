package table

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A small limit does not lead to small pages for the many events behind the
// first event of a trace.
func TestPagesGrow(t *testing.T) {
	for _, q := range []driver.Query{{Limit: 1}, {Limit: 3}, {Limit: 10_000}, {}, {Limit: 1, Failed: true}, {Limit: 3, Failed: true}, {Failed: true}} {
		l := &listing{q: q}
		events, pages := 0, 0
		for ; events < 60_000; pages++ {
			events += l.wanted(pages)
		}
		if pages > 140 {
			t.Errorf("limit %d, failed %v: %d pages for %d events", q.Limit, q.Failed, pages, events)
		}
		if q.Limit > 0 && l.wanted(0) > max(16, 2*q.Limit) {
			t.Errorf("limit %d: the first page has %d events", q.Limit, l.wanted(0))
		}
	}
}
