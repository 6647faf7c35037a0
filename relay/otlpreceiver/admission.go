package otlpreceiver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// memoryFactor is the least ratio of the memory of all requests to the size of the largest
// one.
const memoryFactor = 8

// notificationMemory is the memory of a notification without its info and name.
const notificationMemory = 640

// readingPart is the divisor of the memory for the bodies of requests that are being read:
// they get one readingPart-th of it. The rest is for what the targets get. The parts are
// separate so that clients which send slowly do not hold up the spans of other clients.
const readingPart = 4

// firstPart is how much of a body is read at most before memory for all of it is reserved. So
// a client that sends nothing uses no more memory than this.
const firstPart = 16 << 10

// firstParts is the divisor of the memory for the first parts of bodies: they get one
// firstParts-th of the memory.
const firstParts = 16

// An admission is the permission of a request to be handled, with the resources that it uses.
type admission struct {
	receiver *Receiver
	own      *share
	end      func() // ends the use of the share
	waited   time.Duration
	body     int64 // memory for the body besides its first part
}

// admit admits a request of a client. It waits until other requests leave. The caller calls
// leave in the end.
func (r *Receiver) admit(ctx context.Context, client string) (*admission, *failure) {
	r.counters.requests.Add(1)
	if r.closing.Err() != nil {
		return nil, unavailable(errClosed.Error())
	}
	a := &admission{receiver: r}
	a.own, a.end = r.shares.enter(client)
	if !a.acquire(ctx, a.own.requests, r.requests, 1) {
		a.end()
		return nil, r.late(busy(r.manyRequests()))
	}
	return a, nil
}

// manyRequests returns the reason why a request is not admitted.
func (r *Receiver) manyRequests() string {
	if r.shares.requests == unbounded {
		return fmt.Sprintf("the receiver handles %d requests already", r.maxRequests)
	}
	return fmt.Sprintf("the receiver handles %d requests already, or %d of this client", r.maxRequests, r.shares.requests)
}

// reserve takes memory for a body of this size.
func (a *admission) reserve(ctx context.Context, size int) *failure {
	if !a.acquire(ctx, a.own.reading, a.receiver.reading, int64(size)) {
		return a.receiver.late(busy("the receiver reads as many requests as its memory allows"))
	}
	a.body = int64(size)
	return nil
}

// acquire takes size from the client's own part and from the part of all clients. It waits
// for both for as long as the request may wait.
func (a *admission) acquire(ctx context.Context, own, all *semaphore.Weighted, size int64) bool {
	if tryAcquire(own, all, size) {
		return true
	}
	r := a.receiver
	began := time.Now()
	defer func() { a.waited += time.Since(began) }()
	ctx, cancel := r.within(ctx, max(r.wait-a.waited, 0))
	defer cancel()
	if !acquireOf(ctx, own, &a.own.short, size) {
		return false
	}
	if !acquireOf(ctx, all, &r.short, size) {
		own.Release(size)
		return false
	}
	return true
}

// patience is how long a request may take to arrive while others wait for an admission or for
// memory.
const patience = time.Second

// leastRate is how many bytes of a body should arrive in a second. A request that arrives
// this fast is not hurried. It is slow because it is large or its network path is long, so it
// would be as slow when it is sent again.
const leastRate = 64 << 10

// hurry calls end if the request takes longer than patience while other requests wait for the
// resources that it uses: requests of the same client for a part of the client's share, or
// requests of any client. received returns how many bytes have arrived; it may be nil. The
// caller calls stop when the request was read; end is not called after that.
func (a *admission) hurry(received func() int64, end func()) (stop func()) {
	var mu sync.Mutex
	began, before := time.Now(), int64(0)
	if received != nil {
		before = received()
	}
	isSlow := func() bool {
		return received == nil || float64(received()-before) < leastRate*time.Since(began).Seconds()
	}
	stopped, done := false, make(chan struct{})
	timer := time.AfterFunc(patience, func() {
		ticker := time.NewTicker(patience / 4)
		defer ticker.Stop()
		for a.receiver.short.Load() == 0 && a.own.short.Load() == 0 || !isSlow() {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			end()
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		close(done)
	}
}

// forget releases the memory for the body, except the memory for its first part.
func (a *admission) forget() {
	if a.body > 0 {
		a.receiver.reading.Release(a.body)
		a.own.reading.Release(a.body)
		a.body = 0
	}
}

// leave ends the admission.
func (a *admission) leave() {
	a.forget()
	a.receiver.requests.Release(1)
	a.own.requests.Release(1)
	a.end()
}

// within returns a context that ends when a client should get an answer: after wait, a little
// before the client's own deadline, or when the receiver closes.
func (r *Receiver) within(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)*4/5)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	stop := context.AfterFunc(r.closing, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// late returns the failure f of a request that waited too long, or another failure if the
// receiver is closing.
func (r *Receiver) late(f *failure) *failure {
	if r.closing.Err() != nil {
		return unavailable(errClosed.Error())
	}
	return f
}
