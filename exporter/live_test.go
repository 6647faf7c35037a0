package exporter_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
)

// liveOver returns a tracer whose spans go live into s.
func liveOver(t *testing.T, s store.Store, opts ...exporter.Option) (trace.Tracer, *exporter.LiveProcessor) {
	live := exporter.NewLiveProcessor(s, opts...)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(live))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := live.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return provider.Tracer("test"), live
}

// names of what the store holds, in the order of writing.
func (s *scripted) names() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.stored {
		names = append(names, n.Name)
	}
	return names
}

func TestHangingOperationIsSeenWhileItHangs(t *testing.T) {
	s := openIn(t, "file://%s", "store")
	tracer, _ := liveOver(t, s)
	ctx, parent := tracer.Start(t.Context(), "boot")
	_, child := tracer.Start(ctx, "wait-for-network", trace.WithAttributes(attribute.String("network", "net-1")))
	baseID := osprofiler.BaseIDOf(parent.SpanContext().TraceID())
	var found []osprofiler.Notification
	for deadline := time.Now().Add(10 * time.Second); len(found) < 2 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		found = found[:0]
		for n, err := range s.Notifications(t.Context(), baseID) {
			if err == nil {
				found = append(found, n)
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
		}
	}
	if len(found) != 2 || found[0].Name != "boot-start" || found[1].Name != "wait-for-network-start" ||
		found[1].ParentID != found[0].TraceID || found[1].TraceID != osprofiler.IDOf(parent.SpanContext().TraceID(), child.SpanContext().SpanID()) {
		t.Fatalf("%v", found)
	}
}

// The start says what was known then, though the worker comes to it later.
func TestWhatIsLearnedLateIsInTheStop(t *testing.T) {
	s := &scripted{}
	tracer, live := liveOver(t, s, exporter.WithBatchDelay(time.Hour))
	_, span := tracer.Start(t.Context(), "GET", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", "GET"), attribute.String("url.path", "/early"), attribute.String("url.scheme", "http")))
	span.SetAttributes(attribute.String("url.path", "/late"), attribute.String("http.route", "/{x}"))
	span.SetName("GET /{x}")
	span.End()
	if err := live.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.stored) != 2 {
		t.Fatal(s.names())
	}
	start, stop := s.stored[0], s.stored[1]
	if start.Name != "wsgi-start" || !strings.Contains(string(start.Info), "/early") || strings.Contains(string(start.Info), "/late") {
		t.Fatal(start.JSON())
	}
	whole := convert.SpanOf(&start, &stop)
	if whole.Name() != "GET /{x}" || len(whole.Attributes()) != 4 || stop.Name != "wsgi-stop" {
		t.Fatal(stop.JSON())
	}
}

func TestUnsampledSpansAreIgnored(t *testing.T) {
	for name, sampler := range map[string]sdktrace.Sampler{"dropped": sdktrace.NeverSample(), "record only": recordOnly{}} {
		s := &scripted{}
		live := exporter.NewLiveProcessor(s)
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(live), sdktrace.WithSampler(sampler))
		_, span := provider.Tracer("test").Start(t.Context(), "x")
		if recording := name == "record only"; span.IsRecording() != recording {
			t.Fatal(name, "is no test of what it should be")
		}
		span.End()
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stats := live.Stats(); stats != (exporter.LiveStats{}) || s.tries > 0 {
			t.Errorf("%s: %+v", name, stats)
		}
	}
}

type recordOnly struct{}

func (recordOnly) ShouldSample(sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return sdktrace.SamplingResult{Decision: sdktrace.RecordOnly}
}
func (recordOnly) Description() string { return "RecordOnly" }

// Spans of notifications come to OnEnd alone, whole or halved, with ids of any
// form, and come out as what they were made from.
func TestSpansOfNotificationsAreWrittenWhole(t *testing.T) {
	start := osprofiler.Notification{Name: "db-start", BaseID: "Not-A-UUID", TraceID: "{T}", ParentID: "Not-A-UUID", Project: "p", Service: "s",
		Timestamp: "2026-11-22T07:16:34.200431", Info: `{"db": {"statement": "x", "params": {}}, "host": "h"}`}
	stop := start
	stop.Name, stop.Info = "db-stop", `{"host": "h"}`
	rebuilt := convert.SpanOf(&start, &stop) // one that carries its span in info.otel
	otelStart, otelStop := convert.New().Append(nil, spans(1)...)[0], convert.New().Append(nil, spans(1)...)[1]
	s := &scripted{}
	live := exporter.NewLiveProcessor(s)
	for _, span := range []sdktrace.ReadOnlySpan{
		rebuilt, convert.SpanOf(&start, nil), convert.SpanOf(nil, &stop), convert.SpanOf(&otelStart, &otelStop),
	} {
		live.OnEnd(span)
	}
	if err := live.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []osprofiler.Notification{start, stop, start, stop, otelStart, otelStop}
	if len(s.stored) != len(want) {
		t.Fatal(s.names())
	}
	for i := range want {
		if !s.stored[i].Equal(want[i]) {
			t.Errorf("%s should be %s", s.stored[i].JSON(), want[i].JSON())
		}
	}
	if stats := live.Stats(); stats.Starts != (exporter.LiveCount{Seen: 3, Written: 3}) || stats.Stops != (exporter.LiveCount{Seen: 3, Written: 3}) {
		t.Errorf("%+v", stats)
	}
}

// A Tracer that bears the scope of such spans has its spans written once, too.
func TestTracerOfTheConvertersScope(t *testing.T) {
	s := &scripted{}
	live := exporter.NewLiveProcessor(s)
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(live)).Tracer(convert.ScopeName)
	_, span := tracer.Start(t.Context(), "op")
	span.End()
	if err := live.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := s.names(); !slices.Equal(names, []string{"op-start", "op-stop"}) {
		t.Fatal(names)
	}
}

// When room gets scarce, starts give way first; their stops bring both.
func TestStartWithoutRoomComesWithItsStop(t *testing.T) {
	s := &scripted{}
	g := newGate(s)
	tracer, live := liveOver(t, g, exporter.WithQueueSize(8), exporter.WithBatchSize(1), exporter.WithBatchDelay(time.Nanosecond))
	var running []trace.Span
	for range 8 {
		_, span := tracer.Start(t.Context(), "op")
		running = append(running, span)
	}
	if stats := live.Stats(); stats.Queued != 6 || stats.Postponed != 2 || stats.Late != 2 || stats.Starts.Dropped != 0 {
		t.Fatalf("starts fill three quarters: %+v", stats)
	}
	running[7].End() // both halves: the last room
	running[6].End() // no room: the whole span is dropped
	running[0].End()
	if stats := live.Stats(); stats.Queued != 8 || stats.Postponed != 0 || stats.Starts.Dropped != 1 || stats.Stops.Dropped != 2 {
		t.Fatalf("%+v", stats)
	}
	g.lift()
	if err := live.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := s.names(); len(names) != 8 {
		t.Fatalf("what was queued is stored when ForceFlush returns: %v", names)
	}
	for _, span := range running {
		span.End()
	}
	if err := live.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := live.Stats()
	balanced(t, stats)
	if stats.Starts != (exporter.LiveCount{Seen: 8, Written: 7, Dropped: 1}) || stats.Stops != (exporter.LiveCount{Seen: 8, Written: 6, Dropped: 2}) {
		t.Fatalf("%+v", stats)
	}
}

func TestQueueIsBoundedByBytes(t *testing.T) {
	handled(t)
	g := newGate(&scripted{})
	tracer, live := liveOver(t, g, exporter.WithQueueBytes(100_000))
	large := attribute.StringSlice("large", []string{strings.Repeat("x", 5_000), strings.Repeat("y", 5_000)})
	for range 50 {
		_, span := tracer.Start(t.Context(), "op", trace.WithAttributes(large))
		span.End()
	}
	stats := live.Stats()
	balanced(t, stats)
	if stats.QueuedBytes > 100_000 || stats.QueuedBytes < 80_000 || stats.Queued > 10 || stats.Stops.Dropped < 40 {
		t.Fatalf("%+v", stats)
	}
	g.lift()
}

// Of a batch that is stored in part, only what is missing counts as failed.
func TestFailuresAreCountedToTheNotification(t *testing.T) {
	losses := handled(t)
	s := &scripted{write: func(_ context.Context, try int, _ []osprofiler.Notification) error {
		if try == 1 {
			return &store.WriteError{Missing: []int{1, 2, 3}, Err: errors.New("mapping conflict")}
		}
		return nil
	}}
	tracer, live := liveOver(t, s, exporter.WithBatchDelay(time.Hour), exporter.WithReportInterval(time.Millisecond))
	for range 2 {
		_, span := tracer.Start(t.Context(), "op")
		span.End()
	}
	if err := live.ForceFlush(t.Context()); err == nil || !strings.Contains(err.Error(), "mapping conflict") {
		t.Fatal(err)
	}
	stats := live.Stats()
	if stats.Starts != (exporter.LiveCount{Seen: 2, Written: 1, Failed: 1}) || stats.Stops != (exporter.LiveCount{Seen: 2, Failed: 2}) {
		t.Fatalf("%+v", stats)
	}
	_, span := tracer.Start(t.Context(), "op")
	span.End()
	if err := live.ForceFlush(t.Context()); err != nil {
		t.Fatal("what is over is over:", err)
	}
	if err := live.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := losses()
	if len(told) != 1 || told[0].FailedStarts != 1 || told[0].FailedStops != 2 || told[0].DroppedStops != 0 ||
		!strings.Contains(told[0].Error(), "1 starts and 2 stops are not known to be stored: 3 of 4 notifications") {
		t.Fatalf("%v", told)
	}
}

// Losses come in few summaries: one soon, one per interval, one at Shutdown.
func TestSummariesOfLosses(t *testing.T) {
	losses := handled(t)
	g := newGate(&scripted{})
	tracer, live := liveOver(t, g, exporter.WithQueueSize(2), exporter.WithReportInterval(2*time.Second))
	lose := func() {
		for range 100 {
			_, span := tracer.Start(t.Context(), "op")
			span.End()
		}
	}
	lose()
	waitFor(t, func() bool { return len(losses()) == 1 })
	lose()
	time.Sleep(400 * time.Millisecond) // twice as long as until the first
	if told := losses(); len(told) != 1 || !strings.Contains(told[0].Error(), "stops (as many spans) were dropped") {
		t.Fatalf("%v", told)
	}
	g.lift()
	if err := live.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := losses()
	if stats := live.Stats(); len(told) != 2 || told[0].DroppedStops+told[1].DroppedStops != stats.Stops.Dropped || stats.Stops.Dropped < 190 {
		t.Fatalf("%v: %+v", told, live.Stats())
	}
}

// A write that takes too long fails, and the next has its turn.
func TestWriteTimeout(t *testing.T) {
	handled(t)
	g := newGate(&scripted{})
	tracer, live := liveOver(t, g, exporter.WithWriteTimeout(10*time.Millisecond))
	_, span := tracer.Start(t.Context(), "op")
	err := live.ForceFlush(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the time for writing one batch is over") {
		t.Fatal(err)
	}
	g.lift()
	span.End()
	if err := live.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := live.Stats(); stats.Starts.Failed != 1 || stats.Stops.Written != 1 {
		t.Fatalf("%+v", stats)
	}
}

func TestForceFlushWaitsForAllThatWasQueued(t *testing.T) {
	s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error {
		time.Sleep(5 * time.Millisecond)
		return nil
	}}
	tracer, live := liveOver(t, s, exporter.WithBatchSize(1), exporter.WithBatchDelay(time.Nanosecond))
	for range 5 {
		_, span := tracer.Start(t.Context(), "op")
		span.End()
	}
	if err := live.ForceFlush(t.Context()); err != nil || len(s.names()) != 10 {
		t.Fatal(s.names(), err)
	}
}

func TestForceFlushEndsWithItsContext(t *testing.T) {
	g := newGate(&scripted{})
	tracer, live := liveOver(t, g)
	if err := live.ForceFlush(t.Context()); err != nil {
		t.Fatal("nothing is to be written:", err)
	}
	_, span := tracer.Start(t.Context(), "op")
	span.End()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := live.ForceFlush(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 notifications") {
			t.Fatal(err)
		}
	}
	if err := live.ForceFlush(contextOver(t)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	g.lift()
	if err := live.ForceFlush(t.Context()); err != nil {
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
	tracer, live := liveOver(t, s, exporter.WithBatchDelay(time.Hour))
	for range 10 {
		_, span := tracer.Start(t.Context(), "op")
		defer span.End()
	}
	for range 2 {
		if err := live.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, late := tracer.Start(t.Context(), "late")
	late.End()
	if err := live.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := live.Stats()
	if len(s.stored) != 10 || stats.Starts != (exporter.LiveCount{Seen: 10, Written: 10}) || stats.Stops.Seen != 0 || s.closed != 0 {
		t.Fatalf("%v: %+v", s.names(), stats)
	}
}

// Over a store that hangs Shutdown ends with its context, tells what is lost,
// and the worker ends as soon as the store lets it.
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
			tracer, live := liveOver(t, s, exporter.WithBatchSize(4))
			for range 5 {
				_, span := tracer.Start(t.Context(), "op")
				span.End()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			err := live.Shutdown(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "10 notifications") {
				t.Fatal(err)
			}
			close(release)
			waitFor(t, func() bool { return live.Stats().Queued == 0 })
			stats := live.Stats()
			balanced(t, stats)
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

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that in ten seconds")
		}
	}
}

func TestOpenLive(t *testing.T) {
	path := t.TempDir() + "/live.jsonl"
	live, err := exporter.OpenLive(t.Context(), "file://"+path, exporter.WithProject("nova"))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(live))
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
	if _, err := exporter.OpenLive(t.Context(), "redix://u:pw@host"); err == nil || strings.Contains(err.Error(), "pw") {
		t.Fatal(err)
	}
	kept := &scripted{}
	store.Register(store.Backend{Schemes: []string{"test-store"}, OpenStore: func(context.Context, string, store.Options) (store.Store, error) { return kept, nil }})
	if live, err = exporter.OpenLive(t.Context(), "test-store://"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(live.Shutdown(t.Context()), live.Shutdown(t.Context())); err != nil || kept.closed != 1 {
		t.Fatalf("closed %d times: %v", kept.closed, err)
	}
	store.Register(store.Backend{Schemes: []string{"test-sink"}, OpenSink: func(context.Context, string, store.Options) (store.Sink, error) { return nil, nil }})
	if _, err := exporter.OpenLive(t.Context(), "test-sink://"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "finished spans only") {
		t.Fatal(err)
	}
}

// Whatever happens at once, the counts add up, and what they say is stored is
// stored.
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
		live := exporter.NewLiveProcessor(s, exporter.WithRetry(store.Retry{Elapsed: -1}),
			exporter.WithQueueSize(rapid.IntRange(0, 64).Draw(rt, "queue")), exporter.WithBatchSize(rapid.IntRange(1, 64).Draw(rt, "batch")),
			exporter.WithBatchDelay(time.Microsecond), exporter.WithReportInterval(time.Hour))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(live)).Tracer("test")
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
				_ = live.ForceFlush(context.Background()) // some writes fail
				balanced(t, live.Stats())
			})
		}
		if rapid.Bool().Draw(rt, "shut down meanwhile") {
			wg.Go(func() { _ = live.Shutdown(context.Background()) })
		}
		wg.Wait()
		_ = live.Shutdown(context.Background())
		stats := live.Stats()
		balanced(t, stats)
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
