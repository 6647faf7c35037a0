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
	done   chan struct{}
}

// flush asks for all that is held or in line to be written at once.
func (q *queue) flush() *flush {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &flush{line: q.postponed.last, inLine: true, done: make(chan struct{})}
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

// failFlushes tells those flushes that wait for a start in line, which may be
// nil, that it was dropped.
func (q *queue) failFlushes(dropped *postponedStart) {
	for _, f := range q.flushes {
		if dropped != nil && !dropped.large && f.inLine && dropped.number <= f.line && f.err == nil {
			f.err = errDropped
		}
	}
}

// forget ends a flush that nobody waits for any more, and tells how many
// notifications are held or in line.
func (q *queue) forget(f *flush) (held int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushes = slices.DeleteFunc(q.flushes, func(other *flush) bool { return other == f })
	return q.held + q.postponed.line.Len()
}

// close takes nothing from now on. Starts in line are still written; those that
// wait for their stops are dropped, because these do not come any more. The
// flush that it returns, the same at each call, collects what fails from now on
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
		q.final.err = fmt.Errorf("%d starts of spans that still run were dropped: each is larger than the queue allows a start to be", dropped)
	}
	q.flushes = append(q.flushes, q.final)
	q.signal()
	return q.final, true
}

// failure returns the error of a flush so far.
func (q *queue) failure(f *flush) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return f.err
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
