package mongo

import (
	"context"

	"github.com/osprofiler-otel/osprofiler/store"
)

// call runs f, which talks to the server, with a context that ends after the
// time for one answer. The client library returns when the context is done. An
// error that may pass is a *store.TransientError. The value counts even if there
// is an error.
func call[T any](ctx context.Context, d *database, f func(ctx context.Context, c *collections) (T, error)) (T, error) {
	value, err := try(ctx, d, f)
	explanation := d.explain(ctx, err)
	if explanation != nil && ctx.Err() == nil && isTransient(err) {
		explanation = &store.TransientError{Err: explanation}
	}
	return value, explanation
}

// try is call with the client library's own error.
func try[T any](ctx context.Context, d *database, f func(ctx context.Context, c *collections) (T, error)) (value T, err error) {
	if err := ctx.Err(); err != nil {
		return value, err
	}
	c, err := d.client.connect(ctx)
	if err != nil {
		return value, err
	}
	if d.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.timeout)
		defer cancel()
	}
	return f(ctx, c)
}
