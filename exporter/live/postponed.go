package live

import (
	"container/list"
	"math"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// postponedStarts are the starts that found no room in the queue. A start waits
// in line for room. Then it is written, even if its span still runs. If the span
// ends before there is room, the start is written with the stop. A start that
// needs more room than all starts together may use can only be written with its
// stop, so it leaves the line.
//
// The number of postponed starts is bounded. Spans that never end could reach the
// bound. At the bound, the oldest start is dropped for each new one. For spans
// with equal ids only the newest start is postponed, because a stop is matched to
// its start by the ids.
type postponedStarts struct {
	limit int // the largest number of postponed starts
	byKey map[spanKey]*list.Element
	line  *list.List // of *postponedStart, the oldest first
	large *list.List // of *postponedStart that left the line, the oldest first
	last  uint64     // number of the newest start that was put in line
}

type postponedStart struct {
	key    spanKey
	number uint64 // starts are numbered in the order in which they came
	large  bool

	// span is a copy of the running span, or the running span itself if no copy
	// was made. The start of a running span then contains what is known when the
	// start is written.
	span sdktrace.ReadOnlySpan
}

func newPostponedStarts(limit int) postponedStarts {
	return postponedStarts{limit: limit, byKey: map[spanKey]*list.Element{}, line: list.New(), large: list.New()}
}

func (p *postponedStarts) len() int { return len(p.byKey) }

// add puts a start at the end of the line. It returns the start that was dropped
// to make room or because it had the same ids, or nil if none was dropped.
func (p *postponedStarts) add(key spanKey, span sdktrace.ReadOnlySpan) (dropped *postponedStart) {
	if equal, ok := p.byKey[key]; ok {
		dropped = p.remove(equal)
	} else if len(p.byKey) >= p.limit {
		oldest := p.large.Front()
		if oldest == nil {
			oldest = p.line.Front()
		}
		dropped = p.remove(oldest)
	}
	p.last++
	p.byKey[key] = p.line.PushBack(&postponedStart{key: key, number: p.last, span: span})
	return dropped
}

func (p *postponedStarts) remove(e *list.Element) *postponedStart {
	start := e.Value.(*postponedStart)
	delete(p.byKey, start.key)
	if start.large {
		p.large.Remove(e)
	} else {
		p.line.Remove(e)
	}
	return start
}

// take removes the start of a span and returns it, or nil if there was none.
func (p *postponedStarts) take(key spanKey) *postponedStart {
	if e, ok := p.byKey[key]; ok {
		return p.remove(e)
	}
	return nil
}

// first returns the start that is next in line, or nil if there is none.
func (p *postponedStarts) first() *postponedStart {
	if e := p.line.Front(); e != nil {
		return e.Value.(*postponedStart)
	}
	return nil
}

// leaveLine takes the first start out of the line. That start then waits for
// its stop.
func (p *postponedStarts) leaveLine() {
	start := p.line.Remove(p.line.Front()).(*postponedStart)
	start.large = true
	p.byKey[start.key] = p.large.PushBack(start)
}

// firstNumber returns the number of the first start in line. If the line is
// empty, firstNumber returns a number higher than all others.
func (p *postponedStarts) firstNumber() uint64 {
	if start := p.first(); start != nil {
		return start.number
	}
	return math.MaxUint64
}

// dropLarge drops the starts that wait for their stops and returns how many.
func (p *postponedStarts) dropLarge() (dropped int) {
	dropped = p.large.Len()
	for p.large.Len() > 0 {
		p.remove(p.large.Front())
	}
	return dropped
}

// dropAll drops all postponed starts and returns how many.
func (p *postponedStarts) dropAll() (dropped int) {
	dropped = p.dropLarge() + p.line.Len()
	for p.line.Len() > 0 {
		p.remove(p.line.Front())
	}
	return dropped
}

// postpone postpones the start of a span. span is a copy, or the running span if
// the queue was crowded.
func (q *queue) postpone(key spanKey, span sdktrace.ReadOnlySpan) {
	q.starts.Seen++
	q.lateStarts++
	if dropped := q.postponed.add(key, span); dropped != nil {
		q.starts.Dropped++
		q.failFlushes(dropped, errDropped)
	}
	if len(q.waiting) == 0 {
		q.signal() // the worker may be asleep
	}
	q.lineChanged()
}

// lineChanged must be called when a start entered or left the line.
func (q *queue) lineChanged() {
	q.setCrowded()
	q.settleFlushes(nil)
}

// admit moves postponed starts into the queue, the oldest first, while there is
// room for starts.
func (q *queue) admit() {
	for {
		start := q.nextPostponed()
		if start == nil {
			return
		}
		// Not under the queue's lock, because a running span has its own lock.
		span := start.span
		if _, running := span.(sdktrace.ReadWriteSpan); running {
			span = startOf(span)
		}
		if !q.admitOne(start, entry{span: span, size: sizeOf(span), starts: 1}) {
			return
		}
	}
}

// nextPostponed returns the first start in line, or nil if there is none or if
// the queue has no room at all.
func (q *queue) nextPostponed() *postponedStart {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.notifications >= q.startSize() {
		return nil
	}
	return q.postponed.first()
}

// admitOne moves a start into the queue, unless its span has ended meanwhile.
// It returns false if there is no room.
func (q *queue) admitOne(start *postponedStart, e entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.postponed.first() != start {
		return true
	}
	if e.size > q.startBytes() {
		q.admitLarge(start)
		return true
	}
	if !q.push(e, q.startSize(), q.startBytes()) {
		return false
	}
	q.postponed.take(start.key)
	q.lineChanged()
	return true
}

// admitLarge takes the first start out of the line because it is larger than a
// start may be. The start then waits for its stop. After close no stop comes any
// more, so the start is dropped.
func (q *queue) admitLarge(start *postponedStart) {
	if q.closed.Load() {
		q.postponed.take(start.key)
		q.starts.Dropped++
		q.final.large++
		q.failFlushes(start, errGivenUp)
	} else {
		for _, f := range q.flushes {
			if f.waitsFor(start) {
				f.large++
			}
		}
		q.postponed.leaveLine()
	}
	q.lineChanged()
}
