package elasticsearch

import (
	"context"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// mostEvents is how many events a listing reads at once.
const mostEvents = 2000

// A newestFirst is a listing in the order of the query. It goes through the events
// that have a time, from the newest to the oldest, and sums up the traces that appear
// in a page and not in earlier pages. When the listing has passed the time by which a
// trace is listed, it yields the trace.
type newestFirst struct {
	*listing

	open map[string]bool // the keys that were seen
	held []*trace        // those that are not yielded yet, in any order
	last time.Time       // by which the last trace was listed
}

// newest yields the traces in the order of the query and stops at its limit.
func (l *listing) newest(ctx context.Context) error {
	strays, err := l.readStrays(ctx)
	if err != nil {
		return err
	}
	n := &newestFirst{listing: l, open: map[string]bool{}, held: strays}
	if err := n.timed(ctx); err != nil || l.left || n.isFull() {
		return err
	}
	// Events without a time are older than all others.
	if !l.q.Contains(time.Time{}) {
		return nil
	}
	return n.untimed(ctx)
}

// isFull reports whether the limit is reached.
func (n *newestFirst) isFull() bool { return n.listed >= n.q.Limit }

// timed goes through the events that have a time.
func (n *newestFirst) timed(ctx context.Context) error {
	w := &walk{step: -1, search: search{
		index: n.events, view: n.view, fields: []string{}, values: []string{n.baseID},
		query: allOf(exists(timestampKey), n.narrow()),
		sort:  []object{{timestampKey: object{"order": "desc"}}, {sequenceNumber: object{"order": "desc"}}},
	}}
	for size := min(mostEvents, max(32, 4*min(n.q.Limit, mostEvents))); ; size = min(mostEvents, 2*size) {
		w.size = min(mostHits, size+len(w.known))
		a, err := n.search(ctx, &w.search)
		if err != nil {
			return err
		}
		hits := w.next(a.hits)
		if err := n.add(ctx, hits); err != nil {
			return err
		}
		if len(a.hits) < w.size || len(hits) == 0 {
			return n.yieldAfter(ctx, time.Time{})
		}
		at, ok := n.timeOf(hits[len(hits)-1])
		if !ok {
			continue
		}
		if err := n.yieldAfter(ctx, at); err != nil || n.left || n.isFull() {
			return err
		}
	}
}

// add sums up the traces of events that were not seen yet.
func (n *newestFirst) add(ctx context.Context, hits []hit) error {
	var keys []string
	for i := range hits {
		key, ok := hits[i].value(n.baseID)
		if ok && !n.open[key] {
			n.open[key] = true
			keys = append(keys, key)
		}
	}
	for chunk := range slices.Chunk(keys, tracesAtOnce) {
		traces, err := n.sumUpKeys(ctx, chunk)
		if err != nil {
			return err
		}
		n.held = append(n.held, traces...)
	}
	return nil
}

// timeOf returns the time of an event as the index has it.
func (n *newestFirst) timeOf(h hit) (at time.Time, ok bool) {
	if len(h.sort) == 0 { // these products do not answer like this
		return at, false
	}
	if n.timestamp == "date" {
		return time.UnixMilli(number(string(h.sort[0]))), true
	}
	text, _ := pyjson.Text(string(h.sort[0]))
	at, err := osprofiler.ParseTime(text)
	return at, err == nil
}

// yieldAfter yields the traces that are listed by a later time than at, the newest
// first. Traces of the same time as the last one are yielded over the limit,
// because the Store orders these by their base ids.
func (n *newestFirst) yieldAfter(ctx context.Context, at time.Time) error {
	accuracy := time.Microsecond
	if n.timestamp == "date" {
		accuracy = time.Millisecond
	}
	var ready, held []*trace
	for _, t := range n.held {
		if n.q.Time(&t.Summary).Truncate(accuracy).After(at) {
			ready = append(ready, t)
		} else {
			held = append(held, t)
		}
	}
	n.held = held
	slices.SortStableFunc(ready, func(a, b *trace) int { return n.q.Time(&b.Summary).Compare(n.q.Time(&a.Summary)) })
	for len(ready) > 0 && !n.left {
		if n.isFull() && n.q.Time(&ready[0].Summary).Before(n.last) {
			return nil
		}
		count := min(len(ready), max(1, n.q.Limit-n.listed))
		n.last = n.q.Time(&ready[count-1].Summary)
		if err := n.emit(ctx, ready[:count]); err != nil {
			return err
		}
		ready = ready[count:]
	}
	return nil
}

// untimed yields the traces that have no time.
func (n *newestFirst) untimed(ctx context.Context) error {
	var conditions []object
	if n.q.Failed {
		conditions = append(conditions, n.mayFail())
	}
	condition := allOf(append(conditions, not(exists(timestampKey)))...)
	for after := ""; ; {
		if err := n.emit(ctx, n.withoutTime(n.held)); err != nil || n.left {
			return err
		}
		n.held = nil
		keys, next, err := n.keys(ctx, condition, after)
		if err != nil || len(keys) == 0 {
			return err
		}
		after = next
		unseen := slices.DeleteFunc(keysOf(keys), func(key string) bool { return n.open[key] })
		if n.held, err = n.sumUpKeys(ctx, unseen); err != nil {
			return err
		}
	}
}

func (n *newestFirst) withoutTime(traces []*trace) []*trace {
	return slices.DeleteFunc(traces, func(t *trace) bool { return !n.q.Time(&t.Summary).IsZero() })
}

var _ driver.Lister = (*cluster)(nil)
