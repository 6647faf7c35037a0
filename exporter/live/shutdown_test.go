package live_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestForceFlushWaitsForAllThatWasQueued(t *testing.T) {
	s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error {
		time.Sleep(5 * time.Millisecond)
		return nil
	}}
	tracer, processor := liveOver(t, s, live.WithBatchSize(1), live.WithBatchDelay(time.Nanosecond))
	for range 5 {
		_, span := tracer.Start(t.Context(), "op")
		span.End()
	}
	if err := processor.ForceFlush(t.Context()); err != nil || len(s.names()) != 10 {
		t.Fatal(s.names(), err)
	}
}

func TestForceFlushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, testForceFlushEndsWithItsContext)
}

func testForceFlushEndsWithItsContext(t *testing.T) {
	g := newGate(&scripted{})
	tracer, processor := liveOver(t, g)
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal("nothing is to be written:", err)
	}
	_, span := tracer.Start(t.Context(), "op")
	span.End()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := processor.ForceFlush(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 notifications") {
			t.Fatal(err)
		}
	}
	if err := processor.ForceFlush(contextOver(t)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	g.lift()
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func contextOver(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestShutdownDrainsAndThenNothingHappens(t *testing.T) {
	s := &scripted{}
	tracer, processor := liveOver(t, s, live.WithBatchDelay(time.Hour))
	for range 10 {
		tracer.Start(t.Context(), "op")
	}
	for range 2 {
		if err := processor.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, late := tracer.Start(t.Context(), "late")
	late.End()
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := processor.Stats()
	if len(s.stored) != 10 || stats.Starts != (live.Count{Seen: 10, Written: 10}) || stats.Stops.Seen != 0 || s.closed != 0 {
		t.Fatalf("%v: %+v", s.names(), stats)
	}
}

// Over a store that hangs, Shutdown returns when its context is done and
// reports what is lost. The worker ends as soon as the store returns.
func TestShutdownEndsWithItsContext(t *testing.T) {
	losses := handled(t)
	for name, ignores := range map[string]bool{"store that notices": false, "store that ignores contexts": true} {
		t.Run(name, func(t *testing.T) {
			toldBefore := len(losses())
			release := make(chan struct{})
			s := &scripted{write: func(ctx context.Context, _ int, _ []osprofiler.Notification) error {
				if ignores {
					<-release
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			}}
			tracer, processor := liveOver(t, s, live.WithBatchSize(4))
			for range 5 {
				_, span := tracer.Start(t.Context(), "op")
				span.End()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			err := processor.Shutdown(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "10 notifications") {
				t.Fatal(err)
			}
			close(release)
			waitFor(t, func() bool { return processor.Stats().Queued == 0 })
			stats := processor.Stats()
			balancedAfterShutdown(t, stats)
			if lost := stats.Starts.Dropped + stats.Starts.Failed + stats.Stops.Dropped + stats.Stops.Failed; lost != uint64(10-len(s.stored)) || lost == 0 {
				t.Fatalf("%v: %+v", s.names(), stats)
			}
			waitFor(t, func() bool {
				told := uint64(0)
				for _, l := range losses()[toldBefore:] {
					told += l.DroppedStops + l.FailedStops
				}
				return told == stats.Stops.Dropped+stats.Stops.Failed
			})
		})
	}
}

// A second Shutdown waits while the first one is at work, instead of returning
// nil.
func TestSecondShutdownWaits(t *testing.T) {
	handled(t)
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&scripted{})
		tracer, processor := liveInBubble(t, g)
		tracer.Start(t.Context(), "op")
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- processor.Shutdown(context.Background()) }()
		synctest.Wait()
		if err := processor.Shutdown(contextOver(t)); !errors.Is(err, context.Canceled) {
			t.Error("the first is at work:", err)
		}
		go func() { second <- processor.Shutdown(context.Background()) }()
		synctest.Wait()
		if len(first)+len(second) != 0 {
			t.Error("nothing is written yet")
		}
		g.lift()
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		if stats := processor.Stats(); stats.Starts.Written != 1 {
			t.Errorf("%+v", stats)
		}
	})
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that in a minute")
		}
	}
}

func TestOpen(t *testing.T) {
	path := t.TempDir() + "/live.jsonl"
	processor, err := live.Open(t.Context(), "file://"+path, live.WithProject("nova"))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	_, span := provider.Tracer("test").Start(t.Context(), "op")
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), "file://"+path, store.WithReadOnly())
	if err != nil {
		t.Fatal("Shutdown closes the store:", err)
	}
	defer s.Close()
	for n, err := range s.Notifications(t.Context(), osprofiler.BaseIDOf(span.SpanContext().TraceID())) {
		if err != nil || n.Project != "nova" {
			t.Fatal(n.JSON(), err)
		}
	}
	if _, err := live.Open(t.Context(), "redix://u:pw@host"); err == nil || strings.Contains(err.Error(), "pw") {
		t.Fatal(err)
	}
	scriptedStore := &scripted{}
	store.Register(store.Backend{Schemes: []string{"test-store"}, Open: func(context.Context, string, store.Options) (*store.Store, error) {
		return store.New(scriptedStore), nil
	}})
	if processor, err = live.Open(t.Context(), "test-store://"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(processor.Shutdown(t.Context()), processor.Shutdown(t.Context())); err != nil || scriptedStore.closed != 1 {
		t.Fatalf("closed %d times: %v", scriptedStore.closed, err)
	}
	store.RegisterSink("test-sink")
	if _, err := live.Open(t.Context(), "test-sink://"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "finished spans only") {
		t.Fatal(err)
	}
}

// Shutdown returns the error of closing a store that Open opened.
func TestShutdownReturnsTheErrorOfClosing(t *testing.T) {
	reason := errors.New("the disk is full")
	store.Register(store.Backend{Schemes: []string{"test-unclosable"}, Open: func(context.Context, string, store.Options) (*store.Store, error) {
		return store.New(&scripted{closeErr: reason}), nil
	}})
	processor, err := live.Open(t.Context(), "test-unclosable://")
	if err != nil {
		t.Fatal(err)
	}
	if err := processor.Shutdown(t.Context()); !errors.Is(err, reason) {
		t.Error(err)
	}
}
