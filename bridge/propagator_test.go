package bridge_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

const (
	baseID   = "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01"
	parentID = "0f3b7c7e-1a2b-4c3d-8e4f-5a6b7c8d9e02"
)

var theInfo = osprofiler.TraceInfo{BaseID: baseID, ParentID: parentID}

// w3cOf returns the traceparent that is equivalent to the trace info.
func w3cOf(info osprofiler.TraceInfo) string {
	traceID, spanID := trace.TraceID(osprofiler.TraceIDOf(info.BaseID)), trace.SpanID(osprofiler.SpanIDOf(info.ParentID))
	return "00-" + traceID.String() + "-" + spanID.String() + "-00"
}

func injected(prop propagation.TextMapPropagator, ctx context.Context) map[string]string { //nolint:revive // reads better
	out := propagation.MapCarrier{}
	prop.Inject(ctx, out)
	return out
}

// For any ids and keys, extracted headers are passed on unchanged if there is no span in
// between. If there is one, they have the span's id as parent.
func TestWhatIsExtractedGoesOn(t *testing.T) {
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil))).Tracer("")
	id := rapid.OneOf(rapid.StringN(1, 60, -1), rapid.StringN(200, 300, -1), rapid.SampledFrom(chainIDs))
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[!-+.-~é]{1,80}k`).Draw(t, "key")
		info := osprofiler.TraceInfo{BaseID: id.Draw(t, "base"), ParentID: id.Draw(t, "parent")}
		in := signedBy(key, info)
		if rapid.Bool().Draw(t, "W3C besides") {
			in[traceparent], in["tracestate"] = w3cOf(info), "other=1"
		}
		prop := bridge.NewPropagators(bridge.NewKeys("another", key))
		ctx := prop.Extract(context.Background(), propagation.MapCarrier(in))
		if out := injected(prop, ctx); out[osprofiler.HeaderTraceInfo] != in[osprofiler.HeaderTraceInfo] || out[osprofiler.HeaderTraceHMAC] != in[osprofiler.HeaderTraceHMAC] {
			t.Fatalf("%v became %v", in, out)
		}
		ctx, span := tracer.Start(ctx, "")
		told, _, err := osprofiler.UnpackTraceInfo(injected(prop, ctx)[osprofiler.HeaderTraceInfo], injected(prop, ctx)[osprofiler.HeaderTraceHMAC], []string{key})
		if want := (osprofiler.TraceInfo{BaseID: info.BaseID, ParentID: convert.ID(span.SpanContext(), span.SpanContext().TraceState())}); err != nil || told != want {
			t.Fatalf("want %+v, got %+v, %v", want, told, err)
		}
	})
}

// If the W3C headers name the same span, their flags and state are kept. Otherwise the signed
// caller replaces theirs.
func TestOtherHeaders(t *testing.T) {
	lie := "a1." // a base id that the trace state of an unsigned header claims
	for _, c := range []struct {
		name, traceparent, tracestate string
		wantState                     string
		wantLink                      bool
	}{
		{"the same, not sampled", w3cOf(theInfo), "vendor=1", "vendor=1", false},
		{"the same, with an unsigned member of ours", w3cOf(theInfo), "osp=" + lie + ",vendor=1", "vendor=1", false},
		{"another trace", "00-11111111111111111111111111111111-2222222222222222-01", "vendor=1", "", true},
		{"another span of the trace", w3cOf(osprofiler.TraceInfo{BaseID: baseID, ParentID: baseID}), "", "", true},
		{"nonsense", "00-zz", "vendor=1", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := signedBy("k", theInfo)
			in[traceparent], in["tracestate"] = c.traceparent, c.tracestate
			exporter := tracetest.NewInMemoryExporter()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)),
				sdktrace.WithSpanProcessor(bridge.NewLinkProcessor()), sdktrace.WithSyncer(exporter))
			ctx := bridge.NewPropagators(bridge.NewKeys("k")).Extract(t.Context(), propagation.MapCarrier(in))
			ctx, span := provider.Tracer("").Start(ctx, "outer")
			_, inner := provider.Tracer("").Start(ctx, "inner")
			inner.End()
			span.End()
			spans := exporter.GetSpans() // inner, outer
			sc := spans[1].SpanContext
			if sc.TraceID() != osprofiler.TraceIDOf(baseID) || spans[1].Parent.SpanID() != osprofiler.SpanIDOf(parentID) || !sc.IsSampled() {
				t.Errorf("%+v under %+v", sc, spans[1].Parent)
			}
			if got := sc.TraceState().Delete(convert.TraceStateKey).String(); got != c.wantState || convert.BaseID(sc) != baseID {
				t.Errorf("want trace state %q, got %q", c.wantState, sc.TraceState())
			}
			if got := len(spans[1].Links); (got == 1) != c.wantLink || len(spans[0].Links) != 0 {
				t.Error(spans[1].Links, spans[0].Links)
			}
			if c.wantLink && !strings.Contains(c.traceparent, spans[1].Links[0].SpanContext.TraceID().String()+"-"+spans[1].Links[0].SpanContext.SpanID().String()) {
				t.Error(spans[1].Links)
			}
		})
	}
}

// A trace without a verified signature is never signed in outgoing headers.
func TestOnlyTheVouchedForIsSigned(t *testing.T) {
	prop := bridge.NewPropagators(bridge.NewKeys("k"))
	always := sdktrace.NewTracerProvider().Tracer("")
	signed := prop.Extract(t.Context(), propagation.MapCarrier(signedBy("k", theInfo)))
	unsigned := propagation.MapCarrier{traceparent: strings.TrimSuffix(w3cOf(theInfo), "0") + "1"}
	start := func(ctx context.Context, opts ...trace.SpanStartOption) context.Context {
		ctx, _ = always.Start(ctx, "", opts...)
		return ctx
	}
	sampledOut, _ := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("").Start(signed, "")
	for _, c := range []struct {
		name string
		ctx  context.Context
		want bool
	}{
		{"nothing", t.Context(), false},
		{"signed", signed, true},
		{"a span of it", start(signed), true},
		{"a span of a span of it", start(start(signed)), true},
		{"a new root in its context", start(signed, trace.WithNewRoot()), false},
		{"its trace, told in another context", trace.ContextWithSpanContext(t.Context(), trace.SpanContextFromContext(start(signed))), false},
		{"a span that is not sampled", sampledOut, false},
		{"a trace started here", start(t.Context()), false},
		{"a traceparent", prop.Extract(t.Context(), unsigned), false},
		{"a span of a traceparent", start(prop.Extract(t.Context(), unsigned)), false},
		{"a traceparent of the trace that the context vouches for", start(prop.Extract(start(signed), propagation.MapCarrier{
			traceparent: strings.Replace(unsigned[traceparent], "8e4f", "8e40", 1),
		})), false},
		{"no header, in a context that vouches", prop.Extract(start(signed), propagation.MapCarrier{}), true},
		{"begun with a key", bridge.NewProfiler(bridge.WithKeys(bridge.NewKeys("k"))).Init(t.Context(), "", ""), true},
		{"begun without a key", bridge.NewProfiler().Init(t.Context(), "", ""), false},
		{"begun with no keys left", bridge.NewProfiler(bridge.WithKeys(bridge.NewKeys(" ,"))).Init(t.Context(), "", ""), false},
	} {
		out := injected(prop, c.ctx)
		_, got := out[osprofiler.HeaderTraceInfo]
		if _, mac := out[osprofiler.HeaderTraceHMAC]; got != c.want || mac != got {
			t.Errorf("%s: %v", c.name, out)
		}
		if trusted := bridge.Trusted(c.ctx); trusted != c.want && c.name != "a span that is not sampled" {
			t.Errorf("%s: trusted is %v", c.name, trusted)
		}
	}
}

// Malformed headers are refused by their form, without computing a signature.
func TestHostileHeaders(t *testing.T) {
	keys := bridge.NewKeys("k")
	good := signedBy("k", theInfo)
	header := func(change func(h http.Header)) http.Header {
		h := http.Header{}
		for k, v := range good {
			h.Set(k, v)
		}
		change(h)
		return h
	}
	info, mac := osprofiler.TraceInfo{BaseID: strings.Repeat("x", 6200), ParentID: "p"}.Pack("k")
	long := strings.Repeat("A", 1<<20)
	for name, h := range map[string]http.Header{
		"signed, but too long":  {"X-Trace-Info": {info}, "X-Trace-Hmac": {mac}},
		"a mebibyte of info":    header(func(h http.Header) { h.Set("X-Trace-Info", long) }),
		"a mebibyte of HMAC":    header(func(h http.Header) { h.Set("X-Trace-HMAC", long) }),
		"a mebibyte of blanks":  header(func(h http.Header) { h.Set("X-Trace-HMAC", strings.Repeat(" ", 1<<20)+h.Get("X-Trace-HMAC")) }),
		"HMAC of 39 characters": header(func(h http.Header) { h.Set("X-Trace-HMAC", h.Get("X-Trace-HMAC")[1:]) }),
		"HMAC in upper case":    header(func(h http.Header) { h.Set("X-Trace-HMAC", strings.ToUpper(h.Get("X-Trace-HMAC"))) }),
		"HMAC of other letters": header(func(h http.Header) { h.Set("X-Trace-HMAC", strings.Repeat("é", 20)) }),
		"two infos":             header(func(h http.Header) { h.Add("X-Trace-Info", h.Get("X-Trace-Info")) }),
		"two HMACs":             header(func(h http.Header) { h.Add("X-Trace-HMAC", h.Get("X-Trace-HMAC")) }),
		"no HMAC":               header(func(h http.Header) { h.Del("X-Trace-HMAC") }),
		"no info":               header(func(h http.Header) { h.Del("X-Trace-Info") }),
	} {
		prop := bridge.NewPropagator(keys)
		carrier := propagation.TextMapCarrier(propagation.HeaderCarrier(h))
		if ctx := prop.Extract(t.Context(), carrier); ctx != t.Context() {
			t.Errorf("%s: changes the context", name)
		}
		ctx := t.Context()
		if n := testing.AllocsPerRun(10, func() { prop.Extract(ctx, carrier) }); n != 0 {
			t.Errorf("%s: costs %v allocations", name, n)
		}
	}
	if ctx := bridge.NewPropagator(keys).Extract(t.Context(), propagation.HeaderCarrier(header(func(http.Header) {}))); !bridge.Trusted(ctx) {
		t.Error("the headers should be good to begin with")
	}
}

// A base id that is too long for a header is not sent.
func TestTooLongToSend(t *testing.T) {
	profiler := bridge.NewProfiler(bridge.WithKeys(bridge.NewKeys("k")))
	prop := bridge.NewPropagator(nil)
	if out := injected(prop, profiler.Init(t.Context(), strings.Repeat("x", 3000), "")); len(out) != 2 {
		t.Error(out)
	}
	if out := injected(prop, profiler.Init(t.Context(), strings.Repeat("x", 3100), "")); len(out) != 0 {
		t.Error(out)
	}
}

func TestFields(t *testing.T) {
	if got := bridge.NewPropagator(nil).Fields(); strings.Join(got, " ") != "X-Trace-Info X-Trace-HMAC" {
		t.Error(got)
	}
	all := map[string]bool{}
	for _, f := range bridge.NewPropagators(nil).Fields() {
		all[f] = true
	}
	if want := map[string]bool{"traceparent": true, "tracestate": true, "baggage": true, "X-Trace-Info": true, "X-Trace-HMAC": true}; !maps.Equal(all, want) {
		t.Error(all)
	}
}

// Keys are replaced while the service runs. A request keeps the key that verified it.
func TestRotation(t *testing.T) {
	keys := bridge.NewKeys("old")
	prop := bridge.NewPropagator(keys)
	came := func(key string) context.Context {
		return prop.Extract(t.Context(), propagation.MapCarrier(signedBy(key, theInfo)))
	}
	before := came("old")
	for _, step := range []struct {
		keys     []string
		old, new bool
	}{
		{[]string{"old", "new"}, true, true}, {[]string{" new , ", "old"}, true, true},
		{[]string{"new"}, false, true}, {nil, false, false},
	} {
		keys.Replace(step.keys...)
		if got := bridge.Trusted(came("old")); got != step.old {
			t.Error(step, "old", got)
		}
		if got := bridge.Trusted(came("new")); got != step.new {
			t.Error(step, "new", got)
		}
	}
	if out := injected(prop, before); !maps.Equal(out, signedBy("old", theInfo)) {
		t.Error("a request under way lost its key:", out)
	}
}

func TestDefaultKeyDrawsOneWarning(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	keys := bridge.NewKeys("mine")
	if log.Len() != 0 {
		t.Error(&log)
	}
	keys.Replace("mine", "SECRET_KEY")
	keys.Replace("SECRET_KEY")
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "SECRET_KEY") || strings.Contains(got, "mine") {
		t.Error(got)
	}
	t.Setenv(bridge.KeysVariable, "a, b,,SECRET_KEY")
	if got := bridge.KeysFromEnv().String(); got != "3 HMAC keys" || strings.Count(log.String(), "level=WARN") != 2 {
		t.Error(got, log.String())
	}
}

func TestSampler(t *testing.T) {
	signed := bridge.NewPropagators(bridge.NewKeys("k")).Extract(t.Context(), propagation.MapCarrier(signedBy("k", osprofiler.TraceInfo{BaseID: "BASE", ParentID: "p"})))
	unsigned := propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{traceparent: "00-11111111111111111111111111111111-2222222222222222-01"})
	started, _ := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil))).Tracer("").Start(signed, "")
	lost := trace.ContextWithSpanContext(t.Context(), trace.SpanContextFromContext(started))
	for _, c := range []struct {
		name  string
		other sdktrace.Sampler
		ctx   context.Context
		want  bool
	}{
		{"signed", nil, signed, true},
		{"signed, against another's will", sdktrace.NeverSample(), signed, true},
		{"unsigned", nil, unsigned, false},
		{"unsigned, and another wants it", sdktrace.AlwaysSample(), unsigned, true},
		{"nothing", nil, t.Context(), false},
		{"nothing, and another wants it", sdktrace.AlwaysSample(), t.Context(), true},
		{"a recorded span, without its context", nil, lost, true},
		{"begun without a key", nil, bridge.NewProfiler().Init(t.Context(), "", ""), true},
	} {
		_, span := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(c.other))).Tracer("").Start(c.ctx, "")
		if got := span.SpanContext().IsSampled() && span.IsRecording(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if state := trace.SpanContextFromContext(c.ctx).TraceState().String(); span.SpanContext().TraceState().String() != state {
			t.Errorf("%s: the trace state is %q, want %q", c.name, span.SpanContext().TraceState(), state)
		}
	}
	if got := bridge.NewSampler(sdktrace.AlwaysSample()).Description(); got != "OSProfiler{other:AlwaysOnSampler}" {
		t.Error(got)
	}
}
