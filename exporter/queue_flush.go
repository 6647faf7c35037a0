package exporter

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

var (
	// errGivenUp is what ForceFlush returns when Shutdown cut it short.
	errGivenUp = errors.New("the live processor was shut down before all was written")
	// errDropped is what ForceFlush returns when a start in line was dropped.
	errDropped = errors.New("a start that waited for room was dropped, since the queue was full")
)

// A flush waits until the starts that are in line when it begins have left the
// line, and then until the first target entries are settled.
type flush struct {
	line   uint64 // number of the last that was in line
	inLine bool   // one of them still is, and target is not known yet
	target uint64
	err    error // of the first batch that failed; read it after done
	large  int   // how many starts are too large to be written; read it after done
	done   chan struct{}
}

// flush asks for all that is held or in line to be written at once.
func (q *queue) flush() *flush {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &flush{line: q.postponed.last, inLine: true, large: q.postponed.large.Len(), done: make(chan struct{})}
	q.flushes = append(q.flushes, f)
	q.signal()
	q.settleFlushes(nil) // there may be nothing to wait for
	return f
}

// settleFlushes ends those flushes whose entries are all settled by now; err
// is what came of the last of them.
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

// waitsFor tells whether the flush waits until the start has left the line.
func (f *flush) waitsFor(start *postponedStart) bool {
	return !start.large && f.inLine && start.number <= f.line
}

// failFlushes gives err to the flushes that wait for a start that was dropped.
// dropped may be nil.
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

// forget ends a flush that nobody waits for any more, and tells how many
// notifications are held or in line.
func (q *queue) forget(f *flush) (held int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushes = slices.DeleteFunc(q.flushes, func(other *flush) bool { return other == f })
	return q.held + q.postponed.line.Len()
}

// close takes nothing from now on. Starts in line are still written. Starts that
// wait for their stops are dropped, because no stop comes any more, and so are
// those that would begin to wait for their stops: see admitLarge. The flush that it returns, the same at each call, collects what fails from now on
// and does not end by itself: see failure.
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

// failure returns the error of the flush of close so far.
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

// abandon drops what still waits, and tells how many notifications were held or
// in line, those of the worker among them.
func (q *queue) abandon() (held int) {
	q.mu.Lock()
	postponed := q.postponed.dropAll()
	q.starts.Dropped += uint64(postponed)
	held = q.held + postponed
	q.setCrowded()
	if postponed > 0 {
		q.settleFlushes(errGivenUp)
	}
	q.mu.Unlock()
	q.drops(q.take())
	return held
}
