package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// twoBackEnds returns a provider with one exporter for every span, and another inside OnDemand.
func twoBackEnds(t *testing.T, sampler sdktrace.Sampler) (tracer trace.Tracer, all, demanded *tracetest.SpanRecorder) {
	all, demanded = tracetest.NewSpanRecorder(), tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler),
		sdktrace.WithSpanProcessor(all), sdktrace.WithSpanProcessor(bridge.OnDemand(demanded)))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider.Tracer("test"), all, demanded
}

const onDemandID = "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01"

// incoming extracts the headers of a request, signed with the key "k" or not.
func incoming(signed bool, traceparent string) context.Context {
	header := http.Header{}
	if signed {
		info, mac := osprofiler.TraceInfo{BaseID: onDemandID, ParentID: onDemandID}.Pack("k")
		header.Set(osprofiler.HeaderTraceInfo, info)
		header.Set(osprofiler.HeaderTraceHMAC, mac)
	}
	if traceparent != "" {
		header.Set("Traceparent", traceparent)
	}
	propagators := bridge.NewPropagators(bridge.NewKeys("k"))
	return propagators.Extract(context.Background(), propagation.HeaderCarrier(header))
}

func endedNames(r *tracetest.SpanRecorder) (names []string) {
	for _, s := range r.Ended() {
		names = append(names, s.Name())
	}
	return names
}

func TestOnDemand(t *testing.T) {
	const traceparent = "00-bd1f8a526c3e4f5f9c0a3c9c6d2e1a01-eeeeeeeeeeeeeeee-01"
	tracer, all, demanded := twoBackEnds(t, bridge.NewSampler(sdktrace.AlwaysSample()))
	request := func(ctx context.Context, name string) {
		ctx, parent := tracer.Start(ctx, name)
		bare := trace.ContextWithSpanContext(context.Background(), parent.SpanContext())
		for child, ctx := range map[string]context.Context{"/child": ctx, "/without-trust": bare} {
			_, span := tracer.Start(ctx, name+child)
			span.End()
		}
		_, root := tracer.Start(ctx, name+"/new-root", trace.WithNewRoot())
		root.End()
		parent.End()
		_, late := tracer.Start(ctx, name+"/late")
		late.End()
	}
	request(context.Background(), "local")
	request(incoming(false, ""), "plain")
	request(incoming(false, traceparent), "traceparent")
	request(incoming(true, ""), "signed")
	request(incoming(true, traceparent), "both")
	if got := len(all.Ended()); got != 5*5 {
		t.Errorf("the other back end has %d spans, want 25", got)
	}
	got, want := endedNames(demanded), []string{}
	for _, name := range []string{"signed", "both"} {
		want = append(want, name, name+"/child", name+"/late", name+"/without-trust")
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the store has %q, want %q", got, want)
	}
	if len(demanded.Started()) != len(want) {
		t.Errorf("the store has %d starts, want %d", len(demanded.Started()), len(want))
	}
}

// An unsigned request may name a span of a trusted trace while that span is active in this
// process. The span of the request does not get into the store.
func TestOnDemandRefusesUnsignedChildOfActiveSpan(t *testing.T) {
	tracer, _, demanded := twoBackEnds(t, bridge.NewSampler(sdktrace.AlwaysSample()))
	_, active := tracer.Start(incoming(true, ""), "active")
	sc := active.SpanContext()
	_, forged := tracer.Start(incoming(false, fmt.Sprintf("00-%s-%s-01", sc.TraceID(), sc.SpanID())), "forged")
	forged.End()
	active.End()
	if got := endedNames(demanded); !slices.Equal(got, []string{"active"}) {
		t.Errorf("the store has %q", got)
	}
}

// A span of a trusted trace that a program began with Init also reaches the store.
func TestOnDemandOfInit(t *testing.T) {
	tracer, _, demanded := twoBackEnds(t, bridge.NewSampler(nil))
	ctx := bridge.NewProfiler(bridge.WithKeys(bridge.NewKeys("k"))).Init(t.Context(), "", "")
	_, span := tracer.Start(ctx, "started here")
	span.End()
	if got := endedNames(demanded); !slices.Equal(got, []string{"started here"}) {
		t.Errorf("the store has %q", got)
	}
}

// Spans that are never ended use bounded memory, and do not affect later spans.
func TestOnDemandBoundsSpansWithoutEnd(t *testing.T) {
	processor := &countingProcessor{}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)),
		sdktrace.WithSpanProcessor(bridge.OnDemand(processor)))
	tracer := provider.Tracer("test")
	ctx := incoming(true, "")
	_, first := tracer.Start(ctx, "forgotten")
	for range 2 << 16 {
		tracer.Start(ctx, "never ended")
	}
	first.End()
	_, last := tracer.Start(ctx, "last")
	last.End()
	if want := (2 << 16) + 2; processor.started != want || processor.ended != 1 {
		t.Errorf("%d starts and %d ends, want %d and 1", processor.started, processor.ended, want)
	}
}

type countingProcessor struct{ started, ended int }

func (p *countingProcessor) OnStart(context.Context, sdktrace.ReadWriteSpan) { p.started++ }
func (p *countingProcessor) OnEnd(sdktrace.ReadOnlySpan)                     { p.ended++ }
func (p *countingProcessor) Shutdown(context.Context) error                  { return nil }
func (p *countingProcessor) ForceFlush(context.Context) error                { return nil }

// failingExporter waits for its deadline and then returns the cause of its failure.
type failingExporter struct{}

var errRefused = errors.New("cannot connect to the store: connection refused")

func (failingExporter) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return errors.New("there is no deadline")
	}
	time.Sleep(time.Until(deadline) - time.Second)
	return errRefused
}
func (failingExporter) Shutdown(context.Context) error { return nil }

// The error of a Shutdown with a deadline has the cause, which the SDK's batch processor
// returns only from ForceFlush.
func TestOnDemandShutdownTellsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)),
			sdktrace.WithSpanProcessor(bridge.OnDemand(sdktrace.NewBatchSpanProcessor(failingExporter{}))))
		_, span := provider.Tracer("test").Start(incoming(true, ""), "served")
		span.End()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); !errors.Is(err, errRefused) {
			t.Errorf("Shutdown says %v", err)
		}
	})
}
