package live

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

var (
	// errGivenUp is the error of a ForceFlush that Shutdown cut short.
	errGivenUp = errors.New("the live processor was shut down before all was written")
	// errDropped is the error of a ForceFlush when a start that waited in line
	// was dropped.
	errDropped = errors.New("a start that waited for room was dropped, since the queue was full")
)

// A flush represents a call of ForceFlush or of close. It waits until the starts that
// are in line when it begins have left the line, and then until the first target
// entries are settled.
type flush struct {
	line   uint64 // number of the newest start that was put in line before the flush began
	inLine bool   // some of these starts are still in line, so target is not set
	target uint64
	err    error // of the first batch that failed; read it after done
	large  int   // the number of starts that are too large to be written; read it after done
	done   chan struct{}
}

// flush makes the worker write at once the notifications that are queued or in
// line.
func (q *queue) flush() *flush {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &flush{line: q.postponed.last, inLine: true, large: q.postponed.large.Len(), done: make(chan struct{})}
	q.flushes = append(q.flushes, f)
	q.signal()
	q.settleFlushes(nil) // there may be nothing to wait for
	return f
}

// settleFlushes ends the flushes whose entries are all settled. err is the error
// of the last of these entries.
func (q *queue) settleFlushes(err error) {
	still := q.flushes[:0]
	for _, f := range q.flushes {
		if f.err == nil {
			f.err = err
		}
		if f.inLine && q.postponed.firstNumber() > f.line {
			f.inLine, f.target = false, q.accepted
		}
		if f.inLine || f.target > q.settled {
			still = append(still, f)
			continue
		}
		close(f.done)
	}
	clear(q.flushes[len(still):])
	q.flushes = still
}

// waitsFor reports whether the flush waits for the start to leave the line.
func (f *flush) waitsFor(start *postponedStart) bool {
	return !start.large && f.inLine && start.number <= f.line
}

// failFlushes sets err as the error of the flushes that wait for a start that
// was dropped. dropped may be nil.
func (q *queue) failFlushes(dropped *postponedStart, err error) {
	for _, f := range q.flushes {
		if dropped != nil && f.waitsFor(dropped) && f.err == nil {
			f.err = err
		}
	}
}

// forceFlushError returns the error of a flush that is done.
func (f *flush) forceFlushError() error {
	switch f.large {
	case 0:
		return f.err
	case 1:
		return errors.Join(f.err, errors.New("1 start is not stored yet: it is larger than the queue allows a start to be, so it comes with its stop"))
	}
	return errors.Join(f.err, fmt.Errorf("%d starts are not stored yet: each is larger than the queue allows a start to be, so it comes with its stop", f.large))
}

// cancelFlush removes a flush. It returns the number of notifications that are
// queued or in line.
func (q *queue) cancelFlush(f *flush) (notifications int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushes = slices.DeleteFunc(q.flushes, func(other *flush) bool { return other == f })
	return q.notifications + q.postponed.line.Len()
}

// close makes the queue refuse spans. Starts in line are still written. Starts
// that wait for their stops are dropped, because no stop will come any more.
// Starts that would begin to wait for their stops are dropped too: see
// admitLarge. Each call of close returns the same flush. That flush collects the
// failures after close and does not end by itself: see failure.
func (q *queue) close() (final *flush, first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.final != nil {
		return q.final, false
	}
	q.closed.Store(true)
	q.final = &flush{target: math.MaxUint64, done: make(chan struct{})}
	if dropped := q.postponed.dropLarge(); dropped > 0 {
		q.starts.Dropped += uint64(dropped)
		q.final.large = dropped
	}
	q.flushes = append(q.flushes, q.final)
	q.signal()
	return q.final, true
}

// failure returns the error, so far, of the flush that close returned.
func (q *queue) failure(final *flush) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch final.large {
	case 0:
		return final.err
	case 1:
		return errors.Join(final.err, errors.New("1 start of a span that still runs was dropped: it is larger than the queue allows a start to be"))
	}
	return errors.Join(final.err, fmt.Errorf("%d starts of spans that still run were dropped: each is larger than the queue allows a start to be", final.large))
}

// abandon drops the notifications that still wait. It returns the number of
// notifications that were queued or in line, including the batch that the
// worker is writing.
func (q *queue) abandon() (notifications int) {
	q.mu.Lock()
	postponed := q.postponed.dropAll()
	q.starts.Dropped += uint64(postponed)
	notifications = q.notifications + postponed
	q.setCrowded()
	if postponed > 0 {
		q.settleFlushes(errGivenUp)
	}
	q.mu.Unlock()
	q.dropEntries(q.take())
	return notifications
}
