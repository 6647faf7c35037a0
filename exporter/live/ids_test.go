package live_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sameIDs generates the same id for all spans, as a broken generator may.
type sameIDs struct{}

func (sameIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return trace.TraceID{1}, trace.SpanID{1}
}
func (sameIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return trace.SpanID{1} }

// Starts with equal ids wait for room. Each of them is written once, or dropped
// and counted.
func TestPostponedStartsWithEqualIDs(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		g := newGate(s)
		processor := live.New(store.New(g), live.WithQueueSize(4), live.WithWriteTimeout(time.Hour))
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor), sdktrace.WithIDGenerator(sameIDs{}))
		startMany(context.Background(), provider.Tracer("test"), 0, 7) // 3 are queued
		balanced(t, processor.Stats())
		time.Sleep(time.Second)
		g.lift()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := processor.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		stats := processor.Stats()
		balancedAfterShutdown(t, stats)
		if stats.Starts != (live.Count{Seen: 7, Written: 4, Dropped: 3}) || len(s.names()) != 4 {
			t.Errorf("%v: %+v", s.names(), stats)
		}
	})
}
