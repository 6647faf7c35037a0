package live_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// liveOver returns a tracer whose spans a live processor writes into a store of
// that driver.
func liveOver(t *testing.T, d driver.Driver, opts ...live.Option) (trace.Tracer, *live.Processor) {
	processor := live.New(store.New(d), opts...)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := processor.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return provider.Tracer("test"), processor
}

// names returns the names of the stored notifications, in the order of writing.
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
	tracer, _ := liveOver(t, s.Driver())
	ctx, parent := tracer.Start(t.Context(), "boot")
	_, child := tracer.Start(ctx, "wait-for-network", trace.WithAttributes(attribute.String("network", "net-1")))
	baseID := osprofiler.BaseIDOf(parent.SpanContext().TraceID())
	var stored []osprofiler.Notification
	for deadline := time.Now().Add(time.Minute); len(stored) < 2 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stored = stored[:0]
		for n, err := range s.Notifications(t.Context(), baseID) {
			if err == nil {
				stored = append(stored, n)
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
		}
	}
	if len(stored) != 2 || stored[0].Name != "boot-start" || stored[1].Name != "wait-for-network-start" ||
		stored[1].ParentID != stored[0].TraceID || stored[1].TraceID != osprofiler.IDOf(parent.SpanContext().TraceID(), child.SpanContext().SpanID()) {
		t.Fatalf("%v", stored)
	}
}

// The start contains what was known when the span started, although the worker
// reads the span later.
func TestWhatIsLearnedLateIsInTheStop(t *testing.T) {
	s := &scripted{}
	tracer, processor := liveOver(t, s, live.WithBatchDelay(time.Hour))
	_, span := tracer.Start(t.Context(), "GET", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", "GET"), attribute.String("url.path", "/early"), attribute.String("url.scheme", "http")))
	span.SetAttributes(attribute.String("url.path", "/late"), attribute.String("http.route", "/{x}"))
	span.SetName("GET /{x}")
	span.End()
	if err := processor.ForceFlush(t.Context()); err != nil {
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
		processor := live.New(store.New(s))
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor), sdktrace.WithSampler(sampler))
		_, span := provider.Tracer("test").Start(t.Context(), "x")
		if recording := name == "record only"; span.IsRecording() != recording {
			t.Fatal(name, "is no test of what it should be")
		}
		span.End()
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stats := processor.Stats(); stats != (live.Stats{}) || s.tries > 0 {
			t.Errorf("%s: %+v", name, stats)
		}
	}
}

type recordOnly struct{}

func (recordOnly) ShouldSample(sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return sdktrace.SamplingResult{Decision: sdktrace.RecordOnly}
}

func (recordOnly) Description() string { return "RecordOnly" }

// Spans made from notifications are passed to OnEnd only. They have both halves
// or one, and ids of any form. They are written as the notifications from which
// they were made.
func TestSpansOfNotificationsAreWrittenWhole(t *testing.T) {
	start := osprofiler.Notification{Name: "db-start", BaseID: "Not-A-UUID", TraceID: "{T}", ParentID: "Not-A-UUID", Project: "p", Service: "s",
		Timestamp: "2026-11-22T07:16:34.200431", Info: `{"db": {"statement": "x", "params": {}}, "host": "h"}`}
	stop := start
	stop.Name, stop.Info = "db-stop", `{"host": "h"}`
	rebuilt := convert.SpanOf(&start, &stop) // a span that carries its span in info.otel
	otelStart, otelStop := convert.New().Append(nil, convert.Both, spans(1)...)[0], convert.New().Append(nil, convert.Both, spans(1)...)[1]
	s := &scripted{}
	processor := live.New(store.New(s))
	for _, span := range []sdktrace.ReadOnlySpan{
		rebuilt, convert.SpanOf(&start, nil), convert.SpanOf(nil, &stop), convert.SpanOf(&otelStart, &otelStop),
	} {
		processor.OnEnd(span)
	}
	if err := processor.Shutdown(t.Context()); err != nil {
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
	if stats := processor.Stats(); stats.Starts != (live.Count{Seen: 3, Written: 3}) || stats.Stops != (live.Count{Seen: 3, Written: 3}) {
		t.Errorf("%+v", stats)
	}
}

// Spans of a Tracer with the same scope as spans made from notifications are
// written once, too.
func TestTracerOfTheConvertersScope(t *testing.T) {
	s := &scripted{}
	processor := live.New(store.New(s))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor)).Tracer(convert.ScopeName)
	_, span := tracer.Start(t.Context(), "op")
	span.End()
	if err := processor.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := s.names(); !slices.Equal(names, []string{"op-start", "op-stop"}) {
		t.Fatal(names)
	}
}
