package live_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// startMany starts spans that never end. Their names contain their numbers.
func startMany(ctx context.Context, tracer trace.Tracer, from, to int) {
	for i := from; i < to; i++ {
		tracer.Start(ctx, fmt.Sprint("op", i))
	}
}

// liveInBubble does the same as liveOver in a synctest bubble, which must not
// leave any goroutine.
func liveInBubble(t *testing.T, d driver.Driver, opts ...live.Option) (trace.Tracer, *live.Processor) {
	processor := live.New(store.New(d), opts...)
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor)).Tracer("test"), processor
}

// Spans that never end do not occupy room in the queue for good. As soon as the
// store answers again, their starts are written. If there was no room for all, the
// newest starts are written. The dropped starts are counted and reported.
func TestSpansThatNeverEndGiveTheirPlacesBack(t *testing.T) {
	losses := handled(t)
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		g := newGate(s)
		const size = 64
		tracer, processor := liveInBubble(t, g, live.WithQueueSize(size), live.WithWriteTimeout(time.Hour))
		startMany(t.Context(), tracer, 0, 3*size)
		stats := processor.Stats()
		balanced(t, stats)
		const queued = size - size/4
		if stats.Queued != queued || stats.Postponed != size || stats.Late != 3*size-queued || stats.Starts.Dropped != 3*size-queued-size {
			t.Fatalf("with the store shut: %+v", stats)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if told := losses(); len(told) == 0 || told[0].DroppedStarts != stats.Starts.Dropped || told[0].LateStarts != stats.Late {
			t.Errorf("what was dropped should be told: %v", told)
		}

		g.lift()
		time.Sleep(time.Minute)
		synctest.Wait()
		stats = processor.Stats()
		balanced(t, stats)
		if stats.Postponed != 0 || stats.Queued != 0 || stats.Starts.Written != queued+size {
			t.Fatalf("with the store open: %+v", stats)
		}
		names := s.names()
		for i := range 3 * size {
			if dropped := queued <= i && i < 3*size-size; slices.Contains(names, fmt.Sprintf("op%d-start", i)) == dropped {
				t.Errorf("op%d: dropped should be %v", i, dropped)
			}
		}
		startMany(t.Context(), tracer, 3*size, 3*size+1)
		time.Sleep(time.Second)
		synctest.Wait()
		if names := s.names(); names[len(names)-1] != fmt.Sprintf("op%d-start", 3*size) {
			t.Errorf("a later start is not seen while it runs: %v", names[len(names)-1])
		}
		if err := processor.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Room in the queue also becomes free while the store never answers: each batch
// fails after its write timeout, and so do the starts that waited.
func TestPlacesComeBackThoughTheStoreStaysAway(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		tracer, processor := liveInBubble(t, newGate(&scripted{}), live.WithQueueSize(32), live.WithBatchSize(8), live.WithWriteTimeout(30*time.Second))
		startMany(t.Context(), tracer, 0, 50)
		if stats := processor.Stats(); stats.Postponed == 0 {
			t.Fatalf("%+v", stats)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		stats := processor.Stats()
		balanced(t, stats)
		if stats.Postponed != 0 || stats.Queued != 0 || stats.Starts.Failed != 50 {
			t.Fatalf("%+v", stats)
		}
		if err := processor.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// ForceFlush and Shutdown return nil only when the starts that waited for room
// are stored. If these starts are dropped, both return an error.
func TestFlushingIncludesPostponedStarts(t *testing.T) {
	handled(t)
	options := []live.Option{live.WithQueueSize(16), live.WithBatchSize(4), live.WithWriteTimeout(time.Hour)}
	for name, flush := range map[string]func(*live.Processor, context.Context) error{
		"ForceFlush": (*live.Processor).ForceFlush, "Shutdown": (*live.Processor).Shutdown,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{}
			g := newGate(s)
			tracer, processor := liveInBubble(t, g, options...)
			startMany(t.Context(), tracer, 0, 24)
			done := make(chan error, 1)
			go func() { done <- flush(processor, context.Background()) }()
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("%s returned %v while nothing is stored", name, err)
			default:
			}
			g.lift()
			if err := <-done; err != nil || len(s.names()) != 24 {
				t.Errorf("%s: %d of 24 starts are stored, %v", name, len(s.names()), err)
			}
			if err := processor.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			tracer, processor := liveInBubble(t, newGate(&scripted{}), options...)
			startMany(t.Context(), tracer, 0, 24)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := flush(processor, ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "24 notifications") {
				t.Errorf("%s: %v", name, err)
			}
			_ = processor.Shutdown(ctx) // the context is done already
			synctest.Wait()
			stats := processor.Stats()
			balancedAfterShutdown(t, stats)
			if stats.Postponed != 0 || stats.Queued != 0 || stats.Starts.Dropped+stats.Starts.Failed != 24 {
				t.Errorf("%s: %+v", name, stats)
			}
		})
	}
}

// ForceFlush returns an error if starts that it waits for are dropped in favour
// of newer starts.
func TestForceFlushTellsOfDroppedStarts(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&scripted{})
		tracer, processor := liveInBubble(t, g, live.WithQueueSize(8), live.WithWriteTimeout(time.Hour))
		startMany(t.Context(), tracer, 0, 8) // 6 are queued, 2 in line
		done := make(chan error, 1)
		go func() { done <- processor.ForceFlush(context.Background()) }()
		synctest.Wait()
		startMany(t.Context(), tracer, 8, 20) // more than there is room for
		g.lift()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "was dropped, since the queue was full") {
			t.Errorf("%v: %+v", err, processor.Stats())
		}
		if err := processor.ForceFlush(t.Context()); err != nil {
			t.Error("what is over is over:", err)
		}
		if err := processor.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A start that is larger than a start may be does not keep other starts from
// the store. It is written with its stop. If there is no room left for
// postponed starts, it is dropped and counted.
func TestStartThatIsTooLarge(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		tracer, processor := liveInBubble(t, s, live.WithQueueBytes(100_000), live.WithQueueSize(8))
		large := trace.WithAttributes(attribute.String("large", strings.Repeat("x", 80_000)))
		_, span := tracer.Start(t.Context(), "large", large)
		startMany(t.Context(), tracer, 0, 2)
		time.Sleep(time.Minute)
		synctest.Wait()
		if names := s.names(); !slices.Equal(names, []string{"op0-start", "op1-start"}) || processor.Stats().Postponed != 1 {
			t.Fatalf("%v: %+v", names, processor.Stats())
		}
		if err := processor.ForceFlush(t.Context()); err == nil || !strings.Contains(err.Error(), "1 start is not stored yet: it is larger") {
			t.Fatal(err)
		}
		span.End()
		if err := processor.ForceFlush(t.Context()); err != nil || !slices.Equal(s.names()[2:], []string{"large-start", "large-stop"}) {
			t.Fatal(s.names(), err)
		}
		for range 10 { // spans that never end
			tracer.Start(t.Context(), "large", large)
			synctest.Wait()
		}
		if stats := processor.Stats(); stats.Postponed != 8 || stats.Starts.Dropped != 2 {
			t.Fatalf("%+v", stats)
		}
		if err := processor.Shutdown(t.Context()); err == nil || !strings.Contains(err.Error(), "8 starts of spans that still run were dropped") {
			t.Fatal(err)
		}
		balancedAfterShutdown(t, processor.Stats())
	})
}

// Spans change while the worker reads them for their postponed starts, and some
// end meanwhile. Each span has one start and at most one stop in the store.
func TestPostponedStartsOfSpansThatRun(t *testing.T) {
	handled(t)
	s := &scripted{}
	g := newGate(s)
	tracer, processor := liveOver(t, g, live.WithQueueSize(64), live.WithBatchSize(4), live.WithBatchDelay(time.Nanosecond))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				_, span := tracer.Start(context.Background(), fmt.Sprintf("op%d-%d", i, j))
				if i == 0 && j == 20 {
					g.lift()
				}
				for k := range 20 {
					span.SetAttributes(attribute.Int(fmt.Sprint("key", k%5), k))
					span.SetName(fmt.Sprintf("op%d-%d", i, j))
				}
				if j%2 == 0 {
					span.End()
				}
			}
		})
	}
	all.Wait()
	if err := processor.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, seen := processor.Stats(), map[string]int{}
	balancedAfterShutdown(t, stats)
	for _, name := range s.names() {
		if seen[name]++; seen[name] > 1 {
			t.Errorf("%s is stored %d times", name, seen[name])
		}
		if operation, isStop := strings.CutSuffix(name, "-stop"); isStop && seen[operation+"-start"] == 0 && stats.Starts.Dropped == 0 {
			t.Errorf("%s comes before its start", name)
		}
	}
	if stats.Postponed != 0 || uint64(len(seen)) != stats.Starts.Written+stats.Stops.Written {
		t.Errorf("%d are stored: %+v", len(seen), stats)
	}
}
