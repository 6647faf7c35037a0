package bridge_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// oursFirst is a composite propagator in the order that loses signed callers.
func oursFirst(keys *bridge.Keys) propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(bridge.NewPropagator(keys), propagation.TraceContext{})
}

func bothHeaders(traceparent string) http.Header {
	header := signedHeader(`{"base_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "parent_id": "bd1f8a52-6c3e-4f5f-8e4f-5a6b7c8d9e02"}`, "k")
	header.Set("Traceparent", traceparent)
	return header
}

const (
	sameSpan  = "00-bd1f8a526c3e4f5f9c0a3c9c6d2e1a01-8e4f5a6b7c8d9e02-00"
	otherSpan = "00-11111111111111111111111111111111-2222222222222222-01"
)

// Go services send both headers, and both name the same span. In this case the order of the
// propagators makes no difference.
func TestOrderMakesNoDifferenceForTheSameSpan(t *testing.T) {
	handled, keys := collectReports(t), bridge.NewKeys("k")
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)), sdktrace.WithSpanProcessor(bridge.OnDemand(recorder)))
	ctx := oursFirst(keys).Extract(t.Context(), propagation.HeaderCarrier(bothHeaders(sameSpan)))
	ctx, span := provider.Tracer("test").Start(ctx, "served")
	out := http.Header{}
	bridge.NewPropagator(keys).Inject(ctx, propagation.HeaderCarrier(out))
	span.End()
	if !bridge.Trusted(ctx) || len(recorder.Ended()) != 1 || out.Get(osprofiler.HeaderTraceHMAC) == "" {
		t.Errorf("trusted: %v, %d spans, headers %v", bridge.Trusted(ctx), len(recorder.Ended()), out)
	}
	if texts := handled.take(); len(texts) > 0 {
		t.Errorf("reported %q", texts)
	}
}

// A traceparent of the same span with forged texts of its ids is not trusted.
func TestForgedTraceStateOfTheSameSpan(t *testing.T) {
	keys, header := bridge.NewKeys("k"), bothHeaders(sameSpan)
	capitals := base64.RawURLEncoding.EncodeToString([]byte("BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A01"))
	header.Set("Tracestate", "osp="+capitals+".")
	ctx := oursFirst(keys).Extract(t.Context(), propagation.HeaderCarrier(header))
	if bridge.Trusted(ctx) {
		t.Error("the unsigned member of the trace state is trusted")
	}
}

// Instrumentation other than NewHandler cannot keep the signed trace. This is reported once.
func TestReplacedCallerIsReported(t *testing.T) {
	for name, options := range map[string][]sdktrace.TracerProviderOption{
		"sampler":   {sdktrace.WithSampler(bridge.NewSampler(nil))},
		"on demand": {sdktrace.WithSpanProcessor(bridge.OnDemand(tracetest.NewSpanRecorder()))},
	} {
		t.Run(name, func(t *testing.T) {
			handled := collectReports(t)
			bridge.ForgetReplacedCaller()
			tracer := sdktrace.NewTracerProvider(options...).Tracer("test")
			for range 3 {
				ctx := oursFirst(bridge.NewKeys("k")).Extract(t.Context(), propagation.HeaderCarrier(bothHeaders(otherSpan)))
				_, span := tracer.Start(ctx, "served")
				span.End()
			}
			if texts := handled.take(); len(texts) != 1 || !strings.Contains(texts[0], "make bridge.NewPropagator the last one") {
				t.Errorf("reported %q", texts)
			}
			right := bridge.NewPropagators(bridge.NewKeys("k")).Extract(t.Context(), propagation.HeaderCarrier(bothHeaders(otherSpan)))
			_, span := tracer.Start(right, "served")
			span.End()
			if texts := handled.take(); len(texts) > 0 {
				t.Errorf("the right order is reported: %q", texts)
			}
		})
	}
}

// NewHandler restores the caller that signed, and links the other one.
func TestHandlerRestoresReplacedCaller(t *testing.T) {
	keys := bridge.NewKeys("k")
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)), sdktrace.WithSpanProcessor(recorder))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(keys))
	handler := bridge.NewHandler(http.NotFoundHandler(), bridge.WithProfiler(profiler), bridge.WithPropagator(oursFirst(keys)))
	request := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	request.Header = bothHeaders(otherSpan)
	handler.ServeHTTP(httptest.NewRecorder(), request)
	spans := recorder.Ended()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	if id := spans[0].SpanContext().TraceID().String(); id != strings.ReplaceAll(onDemandID, "-", "") {
		t.Errorf("the trace is %s", id)
	}
	if links := spans[0].Links(); len(links) != 1 || !strings.Contains(otherSpan, links[0].SpanContext.TraceID().String()) {
		t.Errorf("the links are %v", links)
	}
}

// NewPropagators includes the propagator that a service already has.
func TestNewPropagatorsWithOthers(t *testing.T) {
	for _, other := range []propagation.TextMapPropagator{propagation.TraceContext{}, oursFirst(bridge.NewKeys("k"))} {
		ctx := bridge.NewPropagators(bridge.NewKeys("k"), other).Extract(t.Context(), propagation.HeaderCarrier(bothHeaders(otherSpan)))
		if !bridge.Trusted(ctx) || trace.SpanContextFromContext(ctx).TraceID().String() != strings.ReplaceAll(onDemandID, "-", "") {
			t.Errorf("the signed caller is lost")
		}
	}
}

// A ParentBased around the sampler records unsigned requests. It is reported once. A
// ParentBased inside the sampler is not reported.
func TestParentBasedAroundTheSampler(t *testing.T) {
	for name, c := range map[string]struct {
		sampler sdktrace.Sampler
		reports int
	}{
		"around": {sdktrace.ParentBased(bridge.NewSampler(nil)), 1},
		"inside": {bridge.NewSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())), 0},
		"alone":  {bridge.NewSampler(nil), 0},
	} {
		t.Run(name, func(t *testing.T) {
			handled := collectReports(t)
			tracer := sdktrace.NewTracerProvider(sdktrace.WithSampler(c.sampler)).Tracer("test")
			for range 3 {
				_, span := tracer.Start(t.Context(), "root")
				span.End()
			}
			texts := handled.take()
			if len(texts) != c.reports || c.reports == 1 && !strings.Contains(texts[0], "bridge.NewSampler(trace.ParentBased(root))") {
				t.Errorf("reported %q", texts)
			}
		})
	}
}

// The trace of a Python caller stays trusted over several Go services in any order of
// propagators, whatever its ids are.
func TestOrderMakesNoDifferenceInAChain(t *testing.T) {
	for _, caller := range []osprofiler.TraceInfo{
		{BaseID: "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", ParentID: "0f3b7c7e-1a2b-4c3d-8e4f-5a6b7c8d9e02"},
		{BaseID: "BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A01", ParentID: "0F3B7C7E-1A2B-4C3D-8E4F-5A6B7C8D9E02"},
		{BaseID: "request-42", ParentID: "x"}, {BaseID: "request-42", ParentID: "request-42"},
	} {
		provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)))
		propagator := oursFirst(bridge.NewKeys("k"))
		header := http.Header{}
		info, mac := caller.Pack("k")
		header.Set(osprofiler.HeaderTraceInfo, info)
		header.Set(osprofiler.HeaderTraceHMAC, mac)
		for hop := range 4 {
			ctx := propagator.Extract(t.Context(), propagation.HeaderCarrier(header))
			if !bridge.Trusted(ctx) {
				t.Errorf("%v: not trusted at hop %d: %v", caller, hop, header)
				break
			}
			ctx, span := provider.Tracer("test").Start(ctx, "served")
			header = http.Header{}
			propagator.Inject(ctx, propagation.HeaderCarrier(header))
			span.End()
		}
	}
}

// A service without spans passes the signed headers on in any order.
func TestOrderMakesNoDifferenceWithoutSpans(t *testing.T) {
	propagator := oursFirst(bridge.NewKeys("k"))
	ctx := propagator.Extract(t.Context(), propagation.HeaderCarrier(bothHeaders(sameSpan)))
	out := http.Header{}
	propagator.Inject(ctx, propagation.HeaderCarrier(out))
	if out.Get(osprofiler.HeaderTraceHMAC) == "" {
		t.Errorf("the headers are %v", out)
	}
}

// Nothing is trusted below a caller that has not signed, even if it names the trace of a
// caller that has signed.
func TestUnsignedCallerOfTheSameTraceHasNoTrustedChildren(t *testing.T) {
	const sibling = "00-bd1f8a526c3e4f5f9c0a3c9c6d2e1a01-eeeeeeeeeeeeeeee-01"
	for name, sampler := range map[string]sdktrace.Sampler{"all are recorded": sdktrace.AlwaysSample(), "none is": nil} {
		keys, recorder := bridge.NewKeys("k"), tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(sampler)),
			sdktrace.WithSpanProcessor(bridge.OnDemand(recorder)))
		ctx := oursFirst(keys).Extract(t.Context(), propagation.HeaderCarrier(bothHeaders(sibling)))
		for range 4 { // each span below the previous one
			var span trace.Span
			ctx, span = provider.Tracer("test").Start(ctx, "below")
			out := http.Header{}
			bridge.NewPropagator(keys).Inject(ctx, propagation.HeaderCarrier(out))
			if bridge.Trusted(ctx) || len(out) > 0 {
				t.Errorf("%s: trusted: %v, headers %v", name, bridge.Trusted(ctx), out)
			}
			span.End()
		}
		if n := len(recorder.Ended()); n > 0 {
			t.Errorf("%s: the store has %d spans", name, n)
		}
	}
}

// An error handler may start spans, for example one that sends an alert.
func TestErrorHandlerMayStartSpans(t *testing.T) {
	before := otel.GetErrorHandler()
	t.Cleanup(func() { otel.SetErrorHandler(before) })
	bridge.ForgetReplacedCaller()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(bridge.NewSampler(nil),
		sdktrace.WithRemoteParentSampled(bridge.NewSampler(nil)))), sdktrace.WithSpanProcessor(bridge.OnDemand(tracetest.NewSpanRecorder())))
	ctx := oursFirst(bridge.NewKeys("k")).Extract(context.Background(), propagation.HeaderCarrier(bothHeaders(otherSpan)))
	reports := 0
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		reports++
		for _, ctx := range []context.Context{ctx, context.Background()} {
			_, span := provider.Tracer("alerts").Start(ctx, "alert")
			span.End()
		}
	}))
	_, span := provider.Tracer("test").Start(ctx, "served")
	span.End()
	if reports == 0 {
		t.Error("nothing was reported")
	}
}

// OnDemand may be used by many goroutines.
func TestOnDemandConcurrently(t *testing.T) {
	tracer, all, demanded := twoBackEnds(t, bridge.NewSampler(sdktrace.AlwaysSample()))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				for _, signed := range []bool{true, false} {
					ctx, parent := tracer.Start(incoming(signed, ""), "parent")
					_, child := tracer.Start(ctx, "child")
					child.End()
					parent.End()
				}
			}
		})
	}
	group.Wait()
	if len(all.Ended()) != 1600 || len(demanded.Ended()) != 800 {
		t.Errorf("%d and %d spans", len(all.Ended()), len(demanded.Ended()))
	}
}
