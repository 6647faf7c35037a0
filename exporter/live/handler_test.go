package live_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

var errNoTable = errors.New("no such table")

// A slow error handler does not make Shutdown take longer than its context,
// whether the store fails or hangs. Each loss is reported to the handler once.
func TestShutdownDoesNotWaitForTheErrorHandler(t *testing.T) {
	for name, c := range map[string]struct {
		hangs bool // the store hangs after a first failure, with which the handler is busy
		batch int
		want  error
	}{
		"store that fails": {false, 100, errNoTable}, // all is written by Shutdown
		"store that hangs": {true, 2, context.DeadlineExceeded},
	} {
		// A busy machine may not even begin to write in a short time.
		test := func(t *testing.T, d time.Duration) error {
			release := make(chan struct{})
			s := &scripted{write: func(_ context.Context, try int, _ []osprofiler.Notification) error {
				if c.hangs && try > 1 {
					<-release
				}
				return errNoTable
			}}
			var told, calls atomic.Uint64
			otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
				calls.Add(1)
				<-release
				var loss *live.LossError
				if errors.As(err, &loss) {
					told.Add(loss.DroppedStarts + loss.DroppedStops + loss.FailedStarts + loss.FailedStops)
				}
			}))
			t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Print(err) })) })
			tracer, processor := liveOver(t, s, live.WithBatchSize(c.batch), live.WithBatchDelay(time.Hour),
				live.WithReportInterval(10*time.Millisecond))
			for range 3 {
				_, span := tracer.Start(t.Context(), "op")
				span.End()
			}
			if c.hangs {
				waitFor(t, func() bool { return calls.Load() == 1 })
			}
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- processor.Shutdown(ctx) }()
			var wrong error
			select {
			case err := <-ended:
				if !errors.Is(err, c.want) {
					wrong = fmt.Errorf("%w, want %w", err, c.want)
				}
			case <-time.After(d + 30*time.Second):
				t.Error("Shutdown waits for the error handler")
			}
			if calls.Load() > 1 {
				t.Error("the handler was called while it was at work")
			}
			close(release)
			waitFor(t, func() bool { return processor.Stats().Queued == 0 && told.Load() >= 6 })
			if stats := processor.Stats(); told.Load() != 6 {
				t.Errorf("of 6 notifications %d were told to be lost: %+v", told.Load(), stats)
			}
			return wrong
		}
		t.Run(name, func(t *testing.T) {
			testenv.Growing(t, 100*time.Millisecond, func(d time.Duration) error { return test(t, d) })
		})
	}
}
