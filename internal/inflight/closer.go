package inflight

import "context"

// A Closer is a Counter of calls that use something, which is closed after the last of
// them. Make one with [NewCloser].
type Closer struct {
	*Counter

	ended chan struct{} // closed when what the calls use was closed
	err   error         // of closing; read it after ended
}

// NewCloser returns an open Closer that counts no calls.
func NewCloser() *Closer { return &Closer{Counter: New(), ended: make(chan struct{})} }

// Shutdown refuses new calls, waits for those in progress, and then calls end. It waits no
// longer than the context allows. Only the first call does so; later calls wait for the
// same end. ended is false if the context was done before; err is the error of end, or
// the cause of the context.
func (c *Closer) Shutdown(ctx context.Context, end func() error) (ended bool, err error) {
	if c.Close() {
		go func() {
			defer close(c.ended)
			<-c.Idle()
			c.err = end()
		}()
	}
	select {
	case <-c.ended: // even if the context is done
		return true, c.err
	default:
	}
	select {
	case <-c.ended:
		return true, c.err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
