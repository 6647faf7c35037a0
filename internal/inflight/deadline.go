package inflight

import (
	"context"
	"time"
)

// BeforeDeadline returns a context that ends a little before ctx. So the reason of a
// failure reaches a caller that also stops waiting when ctx ends, as the ForceFlush of
// OpenTelemetry's batch processor does.
func BeforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	early := min(time.Until(deadline)/20, 50*time.Millisecond)
	return context.WithDeadline(ctx, deadline.Add(-max(early, 0)))
}
