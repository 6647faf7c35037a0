package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
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

// poolTries is how often a call is begun that was not sent because the connections were
// just closed. The next try reports why they were closed, or finds a new connection.
const poolTries = 4

// try is call with the client library's own error.
func try[T any](ctx context.Context, d *database, f func(ctx context.Context, c *collections) (T, error)) (value T, err error) {
	if d.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.timeout)
		defer cancel()
	}
	for range poolTries {
		if err := ctx.Err(); err != nil {
			return value, err
		}
		c, failure := d.client.connect(ctx)
		if failure != nil {
			return value, failure
		}
		// An explained error comes from a call inside f, which was already begun again.
		// f may have consumed something by then.
		if value, err = f(ctx, c); !isPoolCleared(err) || explained.Is(err) {
			return value, err
		}
	}
	return value, err
}

// isPoolCleared reports whether a call was not sent, because the client library has
// just closed the connections to the server for a failure of another call.
func isPoolCleared(err error) bool {
	var cleared driver.RetryablePoolError
	return errors.As(err, &cleared) && cleared.Retryable()
}
