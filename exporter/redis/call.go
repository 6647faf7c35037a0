package redis

import (
	"context"

	"github.com/osprofiler-otel/osprofiler/store"
)

// call runs f, which talks to the server, and returns at the latest when the
// context is done. The client library notices the deadline of a context, but
// not its cancellation. So f runs in a goroutine of its own, and call drops an
// answer that arrives after the context is done. A transient error is a
// *store.TransientError.
func call[T any](ctx context.Context, d *database, f func(ctx context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if !d.calls.Enter() {
		return none, store.ErrClosed
	}
	answers := make(chan answer, 1)
	go func() {
		defer d.calls.Leave()
		value, err := f(ctx)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		err := d.explain(ctx, a.err)
		if err != nil && ctx.Err() == nil && isTransient(a.err) {
			err = &store.TransientError{Err: err}
		}
		return a.value, err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
