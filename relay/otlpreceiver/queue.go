package otlpreceiver

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/osprofiler-otel/osprofiler"
)

// A queue holds requests from their arrival until every target has them. It numbers
// the notifications in the order in which they are read.
type queue struct {
	memory *semaphore.Weighted // in bytes
	size   int64               // of the whole memory

	mu       sync.Mutex
	waiting  []*request    // not read yet; the first one may be read in part
	read     []*request    // read and not acknowledged, in the order of their numbers
	current  *request      // the request that is being read; it is in read
	index    int           // the index of its next notification
	position uint64        // the number of the newest notification that was read
	spans    int64         // the number of spans in acknowledged requests
	acked    uint64        // the number up to which everything was acknowledged
	arrived  chan struct{} // has an element if something is waiting
	closed   bool
	failure  error // the reason why no request will arrive any more
}

func newQueue(memory int) *queue {
	return &queue{memory: semaphore.NewWeighted(int64(memory)), size: int64(memory), arrived: make(chan struct{}, 1)}
}

// errClosed is the error for a request that arrives after Close.
var errClosed = errors.New("the receiver is closing")

// add adds a request. Its cost has already been acquired from the memory.
func (q *queue) add(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.waiting = append(q.waiting, r)
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// wait waits until a request can be read.
func (q *queue) wait(ctx context.Context) error {
	for {
		q.mu.Lock()
		some, failure := q.current != nil || len(q.waiting) > 0, q.failure
		q.mu.Unlock()
		switch {
		case some:
			return nil
		case failure != nil:
			return failure
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-q.arrived:
		}
	}
}

// next returns the next notification. It begins a request only if mayBegin allows the
// request's number of notifications. ok is false if nothing is left to read.
func (q *queue) next(mayBegin func(size int) bool) (n osprofiler.Notification, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.current == nil {
		if len(q.waiting) == 0 || !mayBegin(len(q.waiting[0].notifications)) {
			return n, false
		}
		q.current, q.index = q.waiting[0], 0
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.current.first = q.position + 1
		q.read = append(q.read, q.current)
	}
	n = q.current.notifications[q.index]
	q.index++
	q.position++
	if q.index == len(q.current.notifications) {
		q.current = nil
	}
	return n, true
}

// acknowledge answers the requests whose notifications lie before the position.
func (q *queue) acknowledge(position uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.acked = max(q.acked, min(position, q.position))
	done := 0
	for _, r := range q.read {
		if r.last() > q.acked {
			break
		}
		q.spans += int64(len(r.spans))
		close(r.done)
		q.memory.Release(r.cost)
		done++
	}
	clear(q.read[:done])
	q.read = q.read[done:]
}

func (r *request) last() uint64 { return r.first + uint64(len(r.notifications)) - 1 }

// leave notes that a target refused the notification with this number.
func (q *queue) leave(number uint64, reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.read {
		if r.first <= number && number <= r.last() {
			r.leave(int(number-r.first), reason)
			return
		}
	}
}

// abandon removes a request that got another answer. If the request was read, its memory is
// released when it is acknowledged. Otherwise the targets never get it. abandon returns false
// if the targets have the request already.
func (q *queue) abandon(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-r.done:
		return false
	default:
	}
	r.abandoned = true
	for i, other := range q.waiting {
		if other == r {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			q.memory.Release(r.cost)
			break
		}
	}
	return true
}

// refusals returns the refused spans of an answered request.
func (q *queue) refusals(r *request) refusals {
	q.mu.Lock()
	defer q.mu.Unlock()
	return r.refusals.clone()
}

// close refuses new requests.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// fail refuses new requests. After the waiting requests were read, wait returns the error.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.failure = true, err
	q.signal()
}

// numberOf returns the number of the newest notification that was read.
func (q *queue) numberOf() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.position
}

// taken returns how many spans the targets have.
func (q *queue) taken() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.spans
}

// length returns how many requests wait for the targets.
func (q *queue) length() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(len(q.waiting) + len(q.read))
}
