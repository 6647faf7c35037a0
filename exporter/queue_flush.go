package exporter

import (
	"errors"
	"slices"
)

// errGivenUp is what ForceFlush returns when Shutdown cut it short.
var errGivenUp = errors.New("the live processor was shut down before all was written")

// A flush waits until the first target entries are settled.
type flush struct {
	target uint64
	err    error // of the first batch that failed; read it after done
	done   chan struct{}
}

// flush asks for all that is held to be written at once.
func (q *queue) flush() *flush {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.addFlush()
}

// addFlush is flush for those who hold the lock.
func (q *queue) addFlush() *flush {
	f := &flush{target: q.accepted, done: make(chan struct{})}
	if f.target == q.settled {
		close(f.done)
		return f
	}
	q.flushes = append(q.flushes, f)
	q.signal()
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
		if f.target > q.settled {
			still = append(still, f)
			continue
		}
		close(f.done)
	}
	clear(q.flushes[len(still):])
	q.flushes = still
}

// forget ends a flush that nobody waits for any more, and tells how many
// notifications are held.
func (q *queue) forget(f *flush) (held int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushes = slices.DeleteFunc(q.flushes, func(other *flush) bool { return other == f })
	return q.held
}

// close takes nothing from now on and flushes. It returns nil if the queue was
// closed already. The postponed starts are dropped: their spans do not end in
// time.
func (q *queue) close() *flush {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed.Load() {
		return nil
	}
	q.closed.Store(true)
	q.starts.Dropped += uint64(len(q.postponed))
	clear(q.postponed)
	q.signal()
	return q.addFlush()
}

// abandon drops what still waits, and tells how many notifications were held,
// those of the worker among them.
func (q *queue) abandon() (held int) {
	q.mu.Lock()
	held = q.held
	q.mu.Unlock()
	q.drops(q.take())
	return held
}
