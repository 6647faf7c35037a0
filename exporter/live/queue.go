package live

import (
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// An entry is a span whose start, stop or both are to be written.
type entry struct {
	span          sdktrace.ReadOnlySpan
	size          int64 // bytes
	starts, stops uint8 // the number of its notifications: 0 or 1 each
}

func (e *entry) notifications() int { return int(e.starts) + int(e.stops) }

// A queue hands spans from OnStart and OnEnd to the worker. The queue bounds the
// number of notifications and their bytes, including the batch that the worker
// is writing. It counts what became of each notification. Under its lock the
// queue only counts and appends, so that nobody waits for the store.
//
// Stops may fill the whole queue, starts only three quarters of it. A stop
// carries its whole span, so a start is worth less. A start without room is
// postponed. A start that arrives while others wait in line is postponed too:
// see postponedStarts. Starts without room are not dropped, because the Python
// tool fails on a trace that has only stops.
type queue struct {
	limits *limits
	wake   chan struct{} // tells the worker to look again
	closed atomic.Bool   // written under mu

	mu             sync.Mutex
	waiting, spare []entry
	waitingCount   int         // notifications
	notifications  int         // waiting or with the worker
	bytes          int64       // waiting or with the worker
	crowded        atomic.Bool // the next start must be postponed; written under mu
	postponed      postponedStarts
	starts, stops  Count
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

func newQueue(limits *limits) *queue {
	return &queue{limits: limits, wake: make(chan struct{}, 1), postponed: newPostponedStarts(limits.queueSize)}
}

func (q *queue) isClosed() bool { return q.closed.Load() }

// start appends the start of a span. It returns false if there is no room.
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

// startSize is the number of notifications up to which starts may fill the queue.
func (q *queue) startSize() int { return q.limits.queueSize - q.limits.queueSize/4 }

// startBytes is the number of bytes up to which starts may fill the queue.
func (q *queue) startBytes() int64 { return q.limits.queueBytes - q.limits.queueBytes/4 }

// startLater postpones the start of a running span. There is no copy of the
// span, because the queue is crowded.
func (q *queue) startLater(span sdktrace.ReadOnlySpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed.Load() {
		q.postpone(keyOf(span), span)
	}
}

// add adds notifications and bytes to the counts of the queue. The arguments
// are negative when notifications leave the queue.
func (q *queue) add(notifications int, bytes int64) {
	q.notifications += notifications
	q.bytes += bytes
	q.setCrowded()
}

func (q *queue) setCrowded() {
	crowded := q.notifications >= q.startSize() || q.postponed.first() != nil
	if crowded != q.crowded.Load() {
		q.crowded.Store(crowded)
	}
}

// end appends a span that ended. It returns false if there is no room.
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

// push appends the entry if the queue then stays within the bounds.
func (q *queue) push(e entry, size int, bytes int64) bool {
	n := e.notifications()
	if q.notifications+n > size || q.bytes+e.size > bytes {
		return false
	}
	before := q.waitingCount
	q.waiting = append(q.waiting, e)
	q.waitingCount += n
	q.add(n, e.size)
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
	default: // there is a signal already
	}
}

// A state tells the worker what to do next.
type state uint8

const (
	empty   state = iota // wait for a signal
	filling              // a batch has begun: wait for its delay
	ready                // admit postponed starts and write
	ended                // the queue is closed and everything is written
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

// take removes everything that waits and returns it to the worker. The worker
// settles it.
func (q *queue) take() []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.waiting
	q.waiting, q.spare = q.spare, nil
	q.waitingCount = 0
	return taken
}

// giveBack lets the queue reuse the memory of what take returned.
func (q *queue) giveBack(taken []entry) {
	clear(taken)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = taken[:0]
}

// settle counts the notifications of entries that were written. missing lists,
// in order, the indices of the notifications that failed with err.
func (q *queue) settle(entries []entry, missing []int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := 0
	count := func(half *Count, notifications uint8) {
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

// dropEntries counts entries that will not be written any more.
func (q *queue) dropEntries(entries []entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range entries {
		q.drop(&entries[i])
	}
	q.release(entries, errGivenUp)
}

// release makes room and ends the flushes that waited for these entries.
func (q *queue) release(entries []entry, err error) {
	for i := range entries {
		q.add(-entries[i].notifications(), -entries[i].size)
	}
	q.settled += uint64(len(entries))
	q.settleFlushes(err)
}

func (q *queue) stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Stats{Starts: q.starts, Stops: q.stops, Queued: q.notifications, QueuedBytes: q.bytes, Late: q.lateStarts, Postponed: q.postponed.len()}
}
