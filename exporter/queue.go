package exporter

import (
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// An entry is a span of which a start, a stop or both are to be written.
type entry struct {
	span          sdktrace.ReadOnlySpan
	size          int64 // bytes
	starts, stops uint8 // how many notifications it gives: 0 or 1 each
}

func (e *entry) notifications() int { return int(e.starts) + int(e.stops) }

// A queue is where OnStart and OnEnd leave spans for the worker. It bounds the
// number of notifications and their bytes, those that the worker holds among
// them, and counts what became of each. Nothing is done under its lock but
// counting and appending, so that nobody waits for the store.
//
// Stops may fill all of it, starts only three quarters: a stop carries its
// whole span, so when room gets scarce starts are worth less. A start without
// room is postponed, and so are those that come while others wait in line: see
// postponedStarts. A trace of stops alone would be one that the Python tool
// fails on.
type queue struct {
	limits *liveConfig
	wake   chan struct{} // tells the worker to look again
	closed atomic.Bool   // written under mu

	mu             sync.Mutex
	waiting, spare []entry
	waitingCount   int         // notifications
	held           int         // notifications, waiting or with the worker
	crowded        atomic.Bool // a start is to be postponed; written under mu
	bytes          int64
	postponed      postponedStarts
	starts, stops  LiveCount
	lateStarts     uint64 // starts that were ever postponed

	accepted, settled uint64 // entries; the worker keeps their order
	flushes           []*flush
	final             *flush // of close
}

type spanKey struct {
	traceID trace.TraceID
	spanID  trace.SpanID
}

func keyOf(s sdktrace.ReadOnlySpan) spanKey {
	sc := s.SpanContext()
	return spanKey{sc.TraceID(), sc.SpanID()}
}

func newQueue(limits *liveConfig) *queue {
	return &queue{limits: limits, wake: make(chan struct{}, 1), postponed: newPostponedStarts(limits.queueSize)}
}

func (q *queue) isClosed() bool { return q.closed.Load() }

// start takes the start of a span; false: it found no room.
func (q *queue) start(e entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed.Load() {
		return true
	}
	if q.crowded.Load() || !q.push(e, q.startSize(), q.startBytes()) {
		q.postpone(keyOf(e.span), e.span)
		return false
	}
	q.starts.Seen++
	return true
}

// startSize is how many notifications starts may fill the queue up to.
func (q *queue) startSize() int { return q.limits.queueSize - q.limits.queueSize/4 }

// startBytes is how many bytes starts may fill the queue up to.
func (q *queue) startBytes() int64 { return q.limits.queueBytes - q.limits.queueBytes/4 }

// startLater is start for a span that is not worth a copy, as the queue is
// crowded.
func (q *queue) startLater(span sdktrace.ReadOnlySpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed.Load() {
		q.postpone(keyOf(span), span)
	}
}

// hold counts what the queue holds.
func (q *queue) hold(notifications int, bytes int64) {
	q.held += notifications
	q.bytes += bytes
	q.setCrowded()
}

func (q *queue) setCrowded() {
	crowded := q.held >= q.startSize() || q.postponed.first() != nil
	if crowded != q.crowded.Load() {
		q.crowded.Store(crowded)
	}
}

// end takes a span that ended; false: it found no room.
func (q *queue) end(e entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed.Load() {
		return true
	}
	q.starts.Seen += uint64(e.starts)
	q.stops.Seen += uint64(e.stops)
	var start *postponedStart
	if e.starts == 0 && q.postponed.len() > 0 {
		start = q.postponed.take(keyOf(e.span))
	}
	if start != nil {
		e.starts = 1
		defer q.lineChanged()
	}
	if q.push(e, q.limits.queueSize, q.limits.queueBytes) {
		return true
	}
	q.drop(&e)
	q.failFlushes(start, errDropped)
	return false
}

// push appends the entry if all that is held stays within the bounds.
func (q *queue) push(e entry, size int, bytes int64) bool {
	n := e.notifications()
	if q.held+n > size || q.bytes+e.size > bytes {
		return false
	}
	before := q.waitingCount
	q.waiting = append(q.waiting, e)
	q.waitingCount += n
	q.hold(n, e.size)
	q.accepted++
	if before == 0 || before < q.limits.batchSize && q.waitingCount >= q.limits.batchSize {
		q.signal()
	}
	return true
}

func (q *queue) drop(e *entry) {
	q.starts.Dropped += uint64(e.starts)
	q.stops.Dropped += uint64(e.stops)
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // the worker is to look already
	}
}

// A state tells the worker what to do next.
type state uint8

const (
	empty   state = iota // sleep until woken
	filling              // a batch has begun: wait its delay
	ready                // admit what is postponed and write now
	ended                // closed, and all is written
)

func (q *queue) state() state {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.waiting) == 0 && q.postponed.first() != nil:
		return ready
	case len(q.waiting) == 0 && q.closed.Load():
		return ended
	case len(q.waiting) == 0:
		return empty
	case q.closed.Load(), len(q.flushes) > 0, q.waitingCount >= q.limits.batchSize:
		return ready
	}
	return filling
}

// take hands all that waits to the worker, which settles it.
func (q *queue) take() []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.waiting
	q.waiting, q.spare = q.spare, nil
	q.waitingCount = 0
	return taken
}

// giveBack lets the queue use the memory of what was taken again.
func (q *queue) giveBack(taken []entry) {
	clear(taken)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = taken[:0]
}

// settle counts entries that were written, but for the notifications that are
// missing by err: indices into those of all entries, in order.
func (q *queue) settle(entries []entry, missing []int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := 0
	count := func(half *LiveCount, notifications uint8) {
		for range notifications {
			if len(missing) > 0 && missing[0] == at {
				missing = missing[1:]
				half.Failed++
			} else {
				half.Written++
			}
			at++
		}
	}
	for i := range entries {
		count(&q.starts, entries[i].starts)
		count(&q.stops, entries[i].stops)
	}
	q.release(entries, err)
}

// drops counts entries that nobody will write any more.
func (q *queue) drops(entries []entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range entries {
		q.drop(&entries[i])
	}
	q.release(entries, errGivenUp)
}

// release makes room and wakes whoever waited for these entries.
func (q *queue) release(entries []entry, err error) {
	for i := range entries {
		q.hold(-entries[i].notifications(), -entries[i].size)
	}
	q.settled += uint64(len(entries))
	q.settleFlushes(err)
}

func (q *queue) stats() LiveStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return LiveStats{Starts: q.starts, Stops: q.stops, Queued: q.held, QueuedBytes: q.bytes, Late: q.lateStarts, Postponed: q.postponed.len()}
}
