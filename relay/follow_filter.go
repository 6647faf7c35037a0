package relay

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A traceFilter holds the notifications of traces that are not selected yet.
type traceFilter struct {
	Filter

	f      *Follower
	health health

	mu      sync.Mutex
	traces  map[string]*heldTrace
	byNews  list.List // of *heldTrace, the one that has waited the longest for something new first
	bytes   int64
	clock   filterClock
	decided decisions
	journal *journal  // nil without a state directory
	first   *delivery // traces that were selected before the start

	filtered, count atomic.Int64
}

// A heldTrace is a trace that is not selected yet.
type heldTrace struct {
	conditions

	baseID   string
	held     []heldNotification
	keys     map[key]struct{} // keys of the notifications in held
	claims   []*delivery      // deliveries that repeat held notifications, and wait as well
	bytes    int64
	news     time.Duration // the clock's time of the newest notification
	partial  time.Duration // of the clock, at the same time
	repeated bool
	element  *list.Element
}

// A heldNotification is in the journal, or keeps its delivery from being acknowledged.
type heldNotification struct {
	notification osprofiler.Notification
	entry        uint64
	claim        *delivery
}

// The kinds of entries in the journal of the filter.
const (
	heldEntry     = 'n'
	selectedEntry = 's'
	droppedEntry  = 'd'
)

func newTraceFilter(f *Follower, c Filter) *traceFilter {
	c = c.orDefaults()
	return &traceFilter{Filter: c, f: f, traces: map[string]*heldTrace{}, clock: newFilterClock(c.Settle)}
}

// run gives the targets the traces that were selected before the start. Then it drops the
// traces that have settled, until the context ends.
func (t *traceFilter) run(ctx context.Context) {
	if t.first != nil && len(t.first.notifications) > 0 {
		t.first.left.Store(1)
		if err := t.f.hand(t.first); err != nil {
			return
		}
		t.taken(t.first)
	}
	t.first = nil
	t.settle(time.Now()) // starts the clock
	ticker := time.NewTicker(t.clock.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			t.settle(now)
			t.syncOnce()
		}
	}
}

// split removes from a delivery the notifications that the filter drops or holds. It adds the
// held notifications of the traces that the delivery selects. With a journal, it returns when
// the journal has the held notifications. h is the state of the source.
func (t *traceFilter) split(ctx context.Context, d *delivery, h *health) error {
	all, positions := d.notifications, d.positions
	d.notifications, d.positions = make([]osprofiler.Notification, 0, len(all)), nil
	t.mu.Lock()
	for i := range all {
		var p Position
		if positions != nil {
			p = positions[i]
		}
		t.take(d, all[i], p)
	}
	for t.bytes > t.MaxBytes && t.byNews.Len() > 0 {
		t.drop(t.byNews.Front().Value.(*heldTrace))
	}
	t.mu.Unlock()
	return t.f.repeat(ctx, h, "cannot filter", t.sync)
}

// take decides about one notification.
func (t *traceFilter) take(d *delivery, n osprofiler.Notification, p Position) {
	if decision, ok := t.decided.find(n.BaseID); ok {
		if decision.selected {
			d.addAt(n, p)
		} else {
			t.filtered.Add(1)
		}
		return
	}
	h := heldNotification{notification: n}
	if t.journal == nil {
		h.claim = d
	}
	t.hold(d, n, h, p)
}

func (d *delivery) addAt(n osprofiler.Notification, p Position) {
	d.add(n)
	d.positions = append(d.positions, p)
}

// hold holds a notification. If its trace now meets the conditions, the whole trace goes into
// the delivery. A notification that is held already does not count as something new of its
// trace, because clients that get no answer send the same again and again.
func (t *traceFilter) hold(d *delivery, n osprofiler.Notification, h heldNotification, p Position) {
	trace := t.traces[n.BaseID]
	if trace == nil {
		trace = &heldTrace{baseID: n.BaseID}
		trace.element = t.byNews.PushBack(trace)
		t.traces[n.BaseID] = trace
	}
	trace.repeated = trace.repeated || d.repeated
	if !trace.isNew(n) {
		t.holdAgain(trace, h)
		return
	}
	trace.add(&t.Filter, &n)
	trace.held = append(trace.held, h)
	trace.bytes += heldFixed + int64(n.Size())
	t.bytes += heldFixed + int64(n.Size())
	t.count.Add(1)
	if trace.met() {
		t.selectInto(d, trace, p)
		return
	}
	trace.news, trace.partial = t.clock.now(), t.clock.partial
	t.byNews.MoveToBack(trace.element)
	last := &trace.held[len(trace.held)-1]
	if last.claim != nil {
		last.claim.left.Add(1)
	}
	if t.journal != nil && last.entry == 0 {
		last.entry = t.journal.add(heldEntry, oneLine(n.JSON()))
	}
}

// isNew notes a notification, and reports whether no equal one is held.
func (h *heldTrace) isNew(n osprofiler.Notification) bool {
	k := keyOf(n.JSON())
	if _, known := h.keys[k]; known {
		return false
	}
	if h.keys == nil {
		h.keys = map[key]struct{}{}
	}
	h.keys[k] = struct{}{}
	return true
}

// holdAgain handles a notification that is held already. It keeps the delivery from being
// acknowledged, unless the journal has the notification.
func (t *traceFilter) holdAgain(trace *heldTrace, h heldNotification) {
	switch {
	case h.claim != nil:
		h.claim.left.Add(1)
		trace.claims = append(trace.claims, h.claim)
	case h.entry != 0:
		t.journal.remove(h.entry)
	}
}

// heldFixed is the memory of a held notification besides its texts.
const heldFixed = 350

// selectInto puts a trace into a delivery. The last notification of the trace is new and
// has the position p.
func (t *traceFilter) selectInto(d *delivery, trace *heldTrace, p Position) {
	t.forget(trace)
	t.decide(trace.baseID, true)
	d.repeated = d.repeated || trace.repeated
	last := len(trace.held) - 1
	for i, h := range trace.held {
		if h.entry != 0 {
			d.entries = append(d.entries, h.entry)
		}
		switch {
		case i == last:
			d.addAt(h.notification, p)
			continue
		case h.claim == d:
			d.left.Add(-1) // the delivery does not wait for itself
		case h.claim != nil:
			d.claims = append(d.claims, h.claim)
		}
		d.addAt(h.notification, "")
	}
	for _, c := range trace.claims {
		if c == d {
			d.left.Add(-1)
			continue
		}
		d.claims = append(d.claims, c)
	}
}

// drop drops a trace.
func (t *traceFilter) drop(trace *heldTrace) {
	t.forget(trace)
	t.decide(trace.baseID, false)
	t.filtered.Add(int64(len(trace.held)))
	for _, h := range trace.held {
		if h.entry != 0 {
			t.journal.remove(h.entry)
		}
		if h.claim != nil {
			h.claim.release()
		}
	}
	for _, c := range trace.claims {
		c.release()
	}
}

// forget removes a trace from those that are held.
func (t *traceFilter) forget(trace *heldTrace) {
	delete(t.traces, trace.baseID)
	t.byNews.Remove(trace.element)
	t.bytes -= trace.bytes
	t.count.Add(-int64(len(trace.held)))
}

// settle drops the traces that have settled by the clock.
func (t *traceFilter) settle(now time.Time) {
	reception := t.f.reception()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock.tick(now, reception)
	for front := t.byNews.Front(); front != nil; front = t.byNews.Front() {
		trace := front.Value.(*heldTrace)
		if !t.clock.isSettled(trace) {
			return
		}
		t.drop(trace)
	}
}

// taken is called when every target has taken a delivery.
func (t *traceFilter) taken(d *delivery) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range d.entries {
		t.journal.remove(id)
	}
	d.entries = nil
}
