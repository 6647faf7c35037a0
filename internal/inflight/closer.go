package inflight

import "context"

// A Closer is a Counter of the calls that use a resource. The resource is closed after the
// last call. Make a Closer with [NewCloser].
type Closer struct {
	*Counter

	ended chan struct{} // closed after the resource was closed
	err   error         // of closing; read it after ended
}

// NewCloser returns an open Closer that counts no calls.
func NewCloser() *Closer { return &Closer{Counter: New(), ended: make(chan struct{})} }

// Shutdown refuses new calls, waits for those in progress, and then calls end. It waits no
// longer than the context allows. Only the first Shutdown calls end. A later Shutdown waits
// for the same end. ended is false if the context was done before the end, and err is then
// the cause of the context. Otherwise err is the error of end.
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
