// Package inflight counts the calls of an object that are in progress, so that
// closing the object can refuse new calls, cancel those in progress, and wait
// for their end.
package inflight

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Counter counts calls in progress. Make one with [New].
type Counter struct {
	life   context.Context // done when the Counter is closed
	cancel context.CancelFunc
	state  atomic.Int64 // twice the number of calls in progress, plus 1 after Close

	idle     chan struct{} // closed when the Counter is closed and no call is in progress
	idleOnce sync.Once
}

// New returns an open Counter that counts no calls.
func New() *Counter {
	c := &Counter{idle: make(chan struct{})}
	c.life, c.cancel = context.WithCancel(context.Background())
	return c
}

// The parts of Counter.state.
const (
	closed  = 1
	oneCall = 2
)

// Enter counts a call and returns true, or returns false after Close. Every call
// that entered must Leave.
func (c *Counter) Enter() bool {
	if c.state.Add(oneCall)&closed == 0 {
		return true
	}
	c.Leave()
	return false
}

// Leave counts the end of a call.
func (c *Counter) Leave() {
	if c.state.Add(-oneCall) == closed {
		c.setIdle()
	}
}

// Close refuses further calls and ends the contexts of those in progress. It
// does not wait: see [Counter.Idle]. It reports whether it was the first Close.
func (c *Counter) Close() (first bool) {
	before := c.state.Or(closed)
	if before&closed != 0 {
		return false
	}
	c.cancel()
	if before == 0 {
		c.setIdle()
	}
	return true
}

func (c *Counter) setIdle() { c.idleOnce.Do(func() { close(c.idle) }) }

// Closed reports whether Close was called.
func (c *Counter) Closed() bool { return c.state.Load()&closed != 0 }

// Closing returns a channel that Close closes.
func (c *Counter) Closing() <-chan struct{} { return c.life.Done() }

// Idle returns a channel that is closed when, after Close, no call is in
// progress any more.
func (c *Counter) Idle() <-chan struct{} { return c.idle }

// Context returns a copy of parent that is also cancelled by Close. The caller
// calls cancel when the call is over, to free the resources of the context.
func (c *Counter) Context(parent context.Context) (ctx context.Context, cancel context.CancelFunc) {
	ctx, cancelParent := context.WithCancel(parent)
	stop := context.AfterFunc(c.life, cancelParent)
	return ctx, func() {
		stop()
		cancelParent()
	}
}
