package inflight

import (
	"context"
	"time"
)

// BeforeDeadline returns a context that ends a little before ctx, so that the
// reason of a failure reaches a caller who waits for ctx as well, as the
// ForceFlush of OpenTelemetry's batch processor does.
func BeforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	early := min(time.Until(deadline)/20, 50*time.Millisecond)
	return context.WithDeadline(ctx, deadline.Add(-max(early, 0)))
}
