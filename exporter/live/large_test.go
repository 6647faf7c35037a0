package live_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

const largeQueueBytes = 20_000

// largeStart makes the start of a span larger than the size that
// largeQueueBytes allows for a start.
func largeStart() trace.SpanStartOption {
	return trace.WithAttributes(attribute.String("a", strings.Repeat("x", 18_000)))
}

// liveWithLargeInLine returns a processor whose store hangs. Four starts are
// queued. The starts of three more spans wait in line. One of these is larger
// than a start may be.
func liveWithLargeInLine(t *testing.T, s *gate) (large trace.Span, processor *live.Processor) {
	tracer, processor := liveInBubble(t, s, live.WithQueueSize(4), live.WithQueueBytes(largeQueueBytes), live.WithWriteTimeout(time.Hour))
	startMany(t.Context(), tracer, 0, 4)
	_, large = tracer.Start(t.Context(), "large", largeStart())
	startMany(t.Context(), tracer, 4, 5)
	time.Sleep(time.Second)
	synctest.Wait()
	if stats := processor.Stats(); stats.Postponed != 3 {
		t.Fatalf("three starts should wait: %+v", stats)
	}
	return large, processor
}

// Shutdown drops and counts a start that is too large and still waits in line,
// and returns an error for it. It writes all other starts.
func TestShutdownWithLargeStartInLine(t *testing.T) {
	losses := handled(t)
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		g := newGate(s)
		_, processor := liveWithLargeInLine(t, g)
		done := make(chan error, 1)
		go func() { done <- processor.Shutdown(t.Context()) }()
		time.Sleep(time.Second)
		synctest.Wait()
		g.lift()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "1 start of a span that still runs was dropped") {
			t.Errorf("Shutdown returned %v", err)
		}
		stats := processor.Stats()
		balancedAfterShutdown(t, stats)
		if stats.Starts != (live.Count{Seen: 6, Written: 5, Dropped: 1}) || len(s.names()) != 5 {
			t.Errorf("%v: %+v", s.names(), stats)
		}
		reported := uint64(0)
		for _, l := range losses() {
			reported += l.DroppedStarts
		}
		if reported != 1 {
			t.Errorf("the reports tell of %d dropped starts", reported)
		}
	})
}

// ForceFlush returns an error while a start that it should have written waits
// for its stop because the start is too large. It writes the other starts.
func TestForceFlushWithLargeStartInLine(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		g := newGate(s)
		large, processor := liveWithLargeInLine(t, g)
		done := make(chan error, 1)
		go func() { done <- processor.ForceFlush(t.Context()) }()
		synctest.Wait()
		g.lift()
		const want = "1 start is not stored yet: it is larger"
		if err := <-done; err == nil || !strings.Contains(err.Error(), want) || len(s.names()) != 5 {
			t.Errorf("in line: ForceFlush returned %v with %d starts stored", err, len(s.names()))
		}
		if err := processor.ForceFlush(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("waiting for the stop: ForceFlush returned %v", err)
		}
		large.End()
		if err := processor.ForceFlush(t.Context()); err != nil || len(s.names()) != 7 {
			t.Errorf("after the stop: ForceFlush returned %v: %v", err, s.names())
		}
		if err := processor.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		balancedAfterShutdown(t, processor.Stats())
	})
}

// Starts of all sizes arrive from many goroutines while Shutdown begins. In the
// end each of them is written, dropped or failed. Shutdown returns nil only if
// it drops none.
func TestShutdownLeavesNoStartPostponed(t *testing.T) {
	handled(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error {
			time.Sleep(100 * time.Microsecond)
			return nil
		}}
		processor := live.New(store.New(s), live.WithQueueSize(rapid.IntRange(1, 6).Draw(rt, "queue")), live.WithQueueBytes(largeQueueBytes),
			live.WithBatchSize(rapid.IntRange(1, 4).Draw(rt, "batch")), live.WithBatchDelay(time.Nanosecond))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor)).Tracer("test")
		largeEvery, before := rapid.IntRange(1, 4).Draw(rt, "large every"), rapid.IntRange(1, 40).Draw(rt, "spans before Shutdown")
		var all sync.WaitGroup
		begin := make(chan struct{}, 6*60)
		for i := range 6 {
			all.Go(func() {
				for j := range 60 {
					var opts []trace.SpanStartOption
					if (i+j)%largeEvery == 0 {
						opts = append(opts, largeStart())
					}
					_, span := tracer.Start(context.Background(), fmt.Sprintf("op%d-%d", i, j), opts...)
					begin <- struct{}{}
					if j%3 == 0 {
						span.End()
					}
				}
			})
		}
		for range before {
			<-begin
		}
		err := processor.Shutdown(context.Background())
		stats := processor.Stats()
		all.Wait()
		balancedAfterShutdown(t, stats)
		if stats != processor.Stats() || stats.Queued != 0 || uint64(len(s.names())) != stats.Starts.Written+stats.Stops.Written {
			rt.Fatalf("%d are stored: %+v, later %+v, %v", len(s.names()), stats, processor.Stats(), err)
		}
	})
}
