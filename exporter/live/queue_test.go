package live_test

import (
	"context"
	"errors"
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
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

// When room gets scarce, starts are postponed first. Their stops are then
// written together with them.
func TestStartWithoutRoomComesWithItsStop(t *testing.T) {
	s := &scripted{}
	g := newGate(s)
	tracer, processor := liveOver(t, g, live.WithQueueSize(8), live.WithBatchSize(1), live.WithBatchDelay(time.Nanosecond))
	var running []trace.Span
	for range 8 {
		_, span := tracer.Start(t.Context(), "op")
		running = append(running, span)
	}
	if stats := processor.Stats(); stats.Queued != 6 || stats.Postponed != 2 || stats.Late != 2 || stats.Starts.Dropped != 0 {
		t.Fatalf("starts fill three quarters: %+v", stats)
	}
	running[7].End() // both halves: the last room
	running[6].End() // no room: the whole span is dropped
	running[0].End()
	if stats := processor.Stats(); stats.Queued != 8 || stats.Postponed != 0 || stats.Starts.Dropped != 1 || stats.Stops.Dropped != 2 {
		t.Fatalf("%+v", stats)
	}
	g.lift()
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := s.names(); len(names) != 8 {
		t.Fatalf("what was queued is stored when ForceFlush returns: %v", names)
	}
	for _, span := range running {
		span.End()
	}
	if err := processor.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := processor.Stats()
	balancedAfterShutdown(t, stats)
	if stats.Starts != (live.Count{Seen: 8, Written: 7, Dropped: 1}) || stats.Stops != (live.Count{Seen: 8, Written: 6, Dropped: 2}) {
		t.Fatalf("%+v", stats)
	}
}

func TestQueueIsBoundedByBytes(t *testing.T) {
	handled(t)
	g := newGate(&scripted{})
	tracer, processor := liveOver(t, g, live.WithQueueBytes(100_000))
	large := attribute.StringSlice("large", []string{strings.Repeat("x", 5_000), strings.Repeat("y", 5_000)})
	for range 50 {
		_, span := tracer.Start(t.Context(), "op", trace.WithAttributes(large))
		span.End()
	}
	stats := processor.Stats()
	balanced(t, stats)
	if stats.QueuedBytes > 100_000 || stats.QueuedBytes < 80_000 || stats.Queued > 10 || stats.Stops.Dropped < 40 {
		t.Fatalf("%+v", stats)
	}
	g.lift()
}

// If a batch is stored in part, only the missing notifications count as failed.
func TestFailuresAreCountedToTheNotification(t *testing.T) {
	losses := handled(t)
	s := &scripted{write: func(_ context.Context, try int, _ []osprofiler.Notification) error {
		if try == 1 {
			return &store.WriteError{Missing: []int{1, 2, 3}, Err: errors.New("mapping conflict")}
		}
		return nil
	}}
	tracer, processor := liveOver(t, s, live.WithBatchDelay(time.Hour), live.WithReportInterval(time.Millisecond))
	for range 2 {
		_, span := tracer.Start(t.Context(), "op")
		span.End()
	}
	if err := processor.ForceFlush(t.Context()); err == nil || !strings.Contains(err.Error(), "mapping conflict") {
		t.Fatal(err)
	}
	stats := processor.Stats()
	if stats.Starts != (live.Count{Seen: 2, Written: 1, Failed: 1}) || stats.Stops != (live.Count{Seen: 2, Failed: 2}) {
		t.Fatalf("%+v", stats)
	}
	_, span := tracer.Start(t.Context(), "op")
	span.End()
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal("what is over is over:", err)
	}
	if err := processor.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := losses()
	if len(told) != 1 || told[0].FailedStarts != 1 || told[0].FailedStops != 2 || told[0].DroppedStops != 0 ||
		!strings.Contains(told[0].Error(), "1 starts and 2 stops may not be stored: mapping conflict; 3 of 4 notifications") {
		t.Fatalf("%v", told)
	}
}

// Whether a notification counts as a start or a stop depends on the span, not
// on the form of its name.
func TestFailuresOfOddNames(t *testing.T) {
	handled(t)
	s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error { return errors.New("no such table") }}
	processor := live.New(store.New(s))
	start := osprofiler.Notification{Name: "nonstop", BaseID: "b", TraceID: "t", ParentID: "b", Timestamp: "2026-11-22T07:16:34.200431", Info: "{}"}
	processor.OnEnd(convert.SpanOf(&start, nil))
	if err := processor.Shutdown(t.Context()); err == nil {
		t.Fatal("nothing was stored")
	}
	if stats := processor.Stats(); stats.Starts != (live.Count{Seen: 1, Failed: 1}) || stats.Stops != (live.Count{}) {
		t.Errorf("%+v", stats)
	}
}

// Losses are reported in few summaries: one soon, one per interval, one at
// Shutdown.
func TestSummariesOfLosses(t *testing.T) {
	losses := handled(t)
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&scripted{})
		tracer, processor := liveInBubble(t, g, live.WithQueueSize(2), live.WithReportInterval(time.Minute), live.WithWriteTimeout(time.Hour))
		lose := func() {
			for range 100 {
				_, span := tracer.Start(t.Context(), "op")
				span.End()
			}
		}
		lose()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if told := losses(); len(told) != 1 {
			t.Fatalf("soon after the first loss: %v", told)
		}
		lose()
		time.Sleep(40 * time.Second) // within the interval
		synctest.Wait()
		if told := losses(); len(told) != 1 || !strings.Contains(told[0].Error(), "stops (as many spans) were dropped") {
			t.Fatalf("%v", told)
		}
		g.lift()
		if err := processor.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		told := losses()
		if stats := processor.Stats(); len(told) != 2 || told[0].DroppedStops+told[1].DroppedStops != stats.Stops.Dropped || stats.Stops.Dropped < 190 {
			t.Fatalf("%v: %+v", told, processor.Stats())
		}
	})
}

// A write that takes too long fails, and then the next batch is written.
func TestWriteTimeout(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&scripted{})
		tracer, processor := liveInBubble(t, g, live.WithWriteTimeout(10*time.Millisecond))
		_, span := tracer.Start(t.Context(), "op")
		err := processor.ForceFlush(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the time for writing one batch is over") {
			t.Error(err)
		}
		g.lift()
		span.End()
		if err := errors.Join(processor.ForceFlush(t.Context()), processor.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		if stats := processor.Stats(); stats.Starts.Failed != 1 || stats.Stops.Written != 1 {
			t.Errorf("%+v", stats)
		}
	})
}

// Even if everything happens at the same time, the counts add up, and as many
// notifications are stored as the counts say.
func TestManyGoroutinesAtOnce(t *testing.T) {
	handled(t)
	rapid.Check(t, func(rt *rapid.T) {
		failing := rapid.IntRange(0, 3).Draw(rt, "every nth write fails")
		s := &scripted{}
		s.write = func(_ context.Context, try int, batch []osprofiler.Notification) error {
			if failing == 0 || try%failing > 0 {
				return nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.stored = append(s.stored, batch[1:]...)
			return &store.WriteError{Transient: true, Missing: []int{0}, Err: errors.New("busy")}
		}
		processor := live.New(store.New(s), live.WithRetry(store.Retry{Elapsed: -1}),
			live.WithQueueSize(rapid.IntRange(0, 64).Draw(rt, "queue")), live.WithBatchSize(rapid.IntRange(1, 64).Draw(rt, "batch")),
			live.WithBatchDelay(time.Microsecond), live.WithReportInterval(time.Hour))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor)).Tracer("test")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 50 {
					ctx, parent := tracer.Start(context.Background(), "parent")
					_, child := tracer.Start(ctx, "child")
					parent.SetAttributes(attribute.Int("late", i))
					parent.End()
					child.End()
				}
				_ = processor.ForceFlush(context.Background()) // some writes fail
				balanced(t, processor.Stats())
			})
		}
		if rapid.Bool().Draw(rt, "shut down meanwhile") {
			wg.Go(func() { _ = processor.Shutdown(context.Background()) })
		}
		wg.Wait()
		_ = processor.Shutdown(context.Background())
		stats := processor.Stats()
		balancedAfterShutdown(t, stats)
		var starts, stops uint64
		for _, name := range s.names() {
			if strings.HasSuffix(name, "-start") {
				starts++
			} else {
				stops++
			}
		}
		if stats.Queued != 0 || stats.QueuedBytes != 0 || stats.Postponed != 0 || starts != stats.Starts.Written || stops != stats.Stops.Written {
			rt.Fatalf("%d starts and %d stops are stored: %+v", starts, stops, stats)
		}
	})
}
