package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The number of entries read from a target without an index depends on what the target has
// before the first or the second window. It does not depend on what is copied. Each lookup
// counts as all entries of the target.
func TestCopyIsLinear(t *testing.T) {
	for _, has := range []int{0, 20_000} {
		for _, count := range []int{40_000, 160_000} {
			t.Run(fmt.Sprintf("%d to %d", count, has), func(t *testing.T) {
				all := notifications(count+has, 8)
				synctest.Test(t, func(t *testing.T) {
					m := &memory{rows: all[:has:has], entry: time.Microsecond}
					counts, err := copyAll(t, relay.FromStore(open(t, &memory{rows: all})), []relay.Target{relay.ToStore(open(t, m))})
					if err != nil || counts.Targets[0] != (relay.TargetCounts{Written: count, Present: has}) {
						t.Fatalf("%+v, %v", counts, err)
					}
					if read, most := m.polled+m.scanned, 5*(has+50_000); read > most {
						t.Errorf("%d entries of the target were read, want %d at most", read, most)
					}
				})
			})
		}
	}
}

// The time of a copy into a target without an index is linear, too. A target with an index is
// read almost only by lookups.
func TestCopyChoosesTheQuickerWay(t *testing.T) {
	for name, c := range map[string]struct {
		target  *memory
		limit   time.Duration
		lookups bool
	}{
		// A lookup takes 100 ms, and reading everything takes 100 ms.
		"scanned": {&memory{entry: time.Microsecond}, time.Second, false},
		// Reading everything takes 100 s, and the lookups take 10 s, half of that for each
		// window.
		"indexed": {&memory{entry: time.Millisecond, lookup: 10 * time.Millisecond, indexed: true}, (10+5)*time.Second + 10*time.Second/8 + 2*time.Second, true},
		// The lookups take 1000 s, and reading everything takes 10 s.
		"far away": {&memory{entry: 100 * time.Microsecond, lookup: time.Second, indexed: true}, 60 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := notifications(100_000, 100)
			synctest.Test(t, func(t *testing.T) {
				m := c.target
				m.rows = all
				began := time.Now()
				counts, err := copyAll(t, relay.FromStore(open(t, &memory{rows: all})), []relay.Target{relay.ToStore(open(t, m))})
				if err != nil || counts.Targets[0].Present != len(all) {
					t.Fatalf("%+v, %v", counts, err)
				}
				if took := time.Since(began); took > c.limit {
					t.Errorf("it took %v, want %v at most; %d lookups, %d of the feed", took, c.limit, m.lookups, m.polled)
				}
				if all := m.lookups >= 1000; all != c.lookups {
					t.Errorf("%d lookups for 1000 traces", m.lookups)
				}
			})
		})
	}
}

// For a few traces, only these traces are read from the target.
func TestCopyOfFewTracesLooksThemUp(t *testing.T) {
	all := notifications(1000, 10)
	m := &memory{rows: all}
	ids := []string{traceID(3), traceID(7)}
	counts, err := copyAll(t, relay.FromBaseIDs(open(t, m), ids), []relay.Target{relay.ToStore(open(t, m))})
	if err != nil || counts.Targets[0].Present != 20 || m.polled > 0 || m.lookups != 4 {
		t.Errorf("%+v, %v; %d read of the feed, %d lookups", counts, err, m.polled, m.lookups)
	}
}

// Whole traces of a time range are copied. From a store with an index they are read one by
// one, from a store without one they are read from the feed. Both take little time.
func TestFromTraces(t *testing.T) {
	all := notifications(20_000, 10)
	for i := range all { // in each trace, some events are an hour later
		if i%10 > 7 {
			all[i] = notification(i+3_600_000, i/10)
		}
	}
	q := store.Query{Since: begin.Add(2 * time.Second), Until: begin.Add(12 * time.Second)} // 1000 traces
	for name, c := range map[string]struct {
		source *memory
		hide   bool // whether to hide the feed
		limit  time.Duration
	}{
		"scanned":      {&memory{rows: all, entry: time.Microsecond}, false, time.Second}, // a lookup takes 20 ms, and so does reading all
		"indexed":      {&memory{rows: all, entry: time.Second, lookup: time.Millisecond, indexed: true}, false, 5 * time.Second},
		"without feed": {&memory{rows: all, lookup: time.Millisecond, indexed: true}, true, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				m, from := &memory{}, driver.Driver(c.source)
				if c.hide {
					from = withoutFeed{c.source, c.source, c.source}
				}
				counts, err := copyAll(t, relay.FromTraces(open(t, from), q), []relay.Target{relay.ToStore(open(t, m))})
				if err != nil || counts.Targets[0] != (relay.TargetCounts{Written: 10_000}) {
					t.Errorf("%+v, %v", counts, err)
				}
				if took := time.Since(began); took > c.limit {
					t.Errorf("it took %v, want %v at most", took, c.limit)
				}
				checkRows(t, m, all[2000:12_000])
			})
		})
	}
}
