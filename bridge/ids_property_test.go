package bridge_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// hostileIDs are ids, as JSON, that a remote caller may send.
var hostileIDs = []string{
	`"\ud800"`, `"\udc00\ud800"`, `"\ud800\udc00"`, `"x\udfffy"`, `"\u0000"`, `"a\u0000b"`, `"\u0001\u001b[31m\u007f"`, `" x "`, `"\t\n"`,
	`"a,b=c~d;e.f"`, `","`, `"="`, `"~"`, `"."`, `"e\u0301"`, `"\ufeff"`, `"\ufffd\uffff\u2028\u202e"`, `"\\\"/"`, `"` + "`touch x`" + `"`,
	`12`, `-7`, `0`, `1e2`, `0.10`, `1e999`, `-1e-999`, `123456789012345678901234567890`, `NaN`, `true`, `false`, `null`, `""`, `[]`, `{}`, `[1]`, `{"a": "b"}`,
	`"BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A02"`, `"{bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a04}"`, `"urn:uuid:bd1f8a526c3e4f5f9c0a3c9c6d2e1a03"`,
	`"00000000-0000-0000-0000-000000000000"`, `"bd1f8a52-6c3e-4f5f-0000-000000000000"`, `"` + baseID + `"`, `"` + parentID + `"`,
}

// rawID draws an id as JSON that is short enough for the trace state.
func rawID() *rapid.Generator[string] {
	unit := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf(`\u%04x`, rapid.Uint16().Draw(t, "unit")) })
	escaped := rapid.Custom(func(t *rapid.T) string {
		return `"` + strings.Join(rapid.SliceOfN(unit, 0, 20).Draw(t, "units"), "") + `"`
	})
	return rapid.OneOf(rapid.SampledFrom(hostileIDs), escaped)
}

// payload draws contents of X-Trace-Info, valid and invalid ones.
func payload() *rapid.Generator[string] {
	member := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"base_id", "base_id", "parent_id", "parent_id", "parent_id", "hmac_key", `bas\u0065_id`, "extra"}).Draw(t, "name")
		return `"` + name + `": ` + rawID().Draw(t, "id")
	})
	return rapid.Custom(func(t *rapid.T) string {
		return `{"base_id": ` + rawID().Draw(t, "base") + strings.Join(append([]string{""}, rapid.SliceOfN(member, 0, 3).Draw(t, "members")...), ", ") + "}"
	})
}

// hostileState draws an unsigned tracestate.
func hostileState(t *rapid.T) string {
	text := rapid.SampledFrom([]string{"x", "\xed\xa0\x80", "\xff", baseID, strings.ToUpper(baseID), "{" + baseID + "}", parentID, "11111111" + parentID[8:], ""})
	encoded := func() string { return base64.RawURLEncoding.EncodeToString([]byte(text.Draw(t, "text"))) }
	return rapid.SampledFrom([]string{
		"", "vendor=1", "osp=" + encoded() + "." + encoded(), "osp=" + encoded() + ",a=1", "osp=!!", "osp=.,osp=.", strings.Repeat("a", 300) + "=1",
	}).Draw(t, "tracestate")
}

// A goHop is a Go service. It makes one span for each request, and writes it.
type goHop struct {
	tracer   *sdktrace.TracerProvider
	prop     propagation.TextMapPropagator
	exporter *tracetest.InMemoryExporter
}

func newHop(prop propagation.TextMapPropagator, sampler sdktrace.Sampler) goHop {
	exporter := tracetest.NewInMemoryExporter()
	return goHop{sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler), sdktrace.WithSyncer(exporter)), prop, exporter}
}

// serve returns the notifications that the service writes, as a store returns them, and the
// headers that it sends.
func (h goHop) serve(t *rapid.T, in map[string]string) (written []osprofiler.Notification, out map[string]string) {
	ctx := h.prop.Extract(context.Background(), propagation.MapCarrier(in))
	ctx, span := h.tracer.Tracer("").Start(ctx, "op")
	out = injected(h.prop, ctx)
	span.End()
	for _, n := range convert.New().Append(nil, convert.Both, h.exporter.GetSpans().Snapshots()...) {
		back, err := osprofiler.ParseNotification(n.JSON())
		if err != nil || !back.Equal(n) {
			t.Fatalf("%s came back as %s, %v", n.JSON(), back.JSON(), err)
		}
		written = append(written, back)
	}
	h.exporter.Reset()
	return written, out
}

// idsOf returns the ids of the notifications, which must all have the same ids.
func idsOf(t *rapid.T, written []osprofiler.Notification) (base, id, parent string) {
	if len(written) != 2 {
		t.Fatalf("%d notifications of one span", len(written))
	}
	a, b := written[0], written[1]
	if a.BaseID != b.BaseID || a.TraceID != b.TraceID || a.ParentID != b.ParentID {
		t.Fatalf("%s and %s", a.JSON(), b.JSON())
	}
	return a.BaseID, a.TraceID, a.ParentID
}

// A signed header with any ids is refused as a whole, or its ids have the same texts
// everywhere. They are compared in the notifications of the first service, in its headers, and
// in the notifications of the next service. The next service reads X-Trace-Info, or only the
// traceparent and the tracestate. No accompanying tracestate changes the ids.
func TestHostileIDsAreTheSameEverywhere(t *testing.T) {
	const key = "k"
	both := bridge.NewPropagators(bridge.NewKeys(key))
	first, second := newHop(both, bridge.NewSampler(nil)), newHop(both, bridge.NewSampler(nil))
	untrusting := newHop(propagation.TraceContext{}, sdktrace.AlwaysSample())
	rapid.Check(t, func(t *rapid.T) {
		info := base64.URLEncoding.EncodeToString([]byte(payload().Draw(t, "payload")))
		in := map[string]string{osprofiler.HeaderTraceInfo: info, osprofiler.HeaderTraceHMAC: macOf(info, key)}
		told, _, err := osprofiler.UnpackTraceInfo(info, in[osprofiler.HeaderTraceHMAC], []string{key})
		if rapid.Bool().Draw(t, "W3C besides") {
			in[traceparent], in["tracestate"] = w3cOf(told), hostileState(t)
		}
		written, out := first.serve(t, in)
		if err != nil {
			if len(written) != 0 || out[osprofiler.HeaderTraceInfo] != "" {
				t.Fatalf("refused, %v, but %v and %v", err, written, out)
			}
			return
		}
		base, id, parent := idsOf(t, written)
		again, _, _ := osprofiler.UnpackTraceInfo(info, in[osprofiler.HeaderTraceHMAC], []string{key})
		fresh := again != told // an empty or false base id becomes a new one at each reading
		if !fresh && (base != told.BaseID || parent != told.ParentID) {
			t.Fatalf("want %+q, got base %q and parent %q", told, base, parent)
		}
		for name, next := range map[string]goHop{"X-Trace-Info": second, "tracestate": untrusting} {
			written, _ := next.serve(t, out)
			if nextBase, _, nextParent := idsOf(t, written); nextBase != base || nextParent != id {
				t.Fatalf("by %s: base %q and parent %q, want %q and %q", name, nextBase, nextParent, base, id)
			}
		}
		on, _, err := osprofiler.UnpackTraceInfo(out[osprofiler.HeaderTraceInfo], out[osprofiler.HeaderTraceHMAC], []string{key})
		if err != nil || on != (osprofiler.TraceInfo{BaseID: base, ParentID: id}) {
			t.Fatalf("sent %+q, %v, want %q and %q", on, err, base, id)
		}
	})
}

// A traceparent with any tracestate results in the ids of the traceparent. At most the
// spelling of the same UUID differs. The ids are never those of another trace or span.
func TestHostileTraceStateChangesNoIDs(t *testing.T) {
	hop := newHop(bridge.NewPropagators(bridge.NewKeys("k")), sdktrace.AlwaysSample())
	rapid.Check(t, func(t *rapid.T) {
		in := map[string]string{traceparent: w3cOf(theInfo), "tracestate": hostileState(t)}
		written, out := hop.serve(t, in)
		base, id, parent := idsOf(t, written)
		if osprofiler.TraceIDOf(base) != osprofiler.TraceIDOf(baseID) || osprofiler.SpanIDOf(parent) != osprofiler.SpanIDOf(parentID) || osprofiler.SpanIDOf(id) == osprofiler.SpanIDOf(parentID) {
			t.Fatalf("%v: %s", in, written[0].JSON())
		}
		if out[osprofiler.HeaderTraceInfo] != "" {
			t.Fatalf("an unsigned request goes on signed: %v", out)
		}
	})
}

// Ids that are too long for the trace state are passed on in the headers. The notifications
// then have the derived id only in place of the long one.
func TestLongIDs(t *testing.T) {
	hop := newHop(bridge.NewPropagators(bridge.NewKeys("k")), bridge.NewSampler(nil))
	long, short := strings.Repeat("é", 150), "short"
	rapid.Check(t, func(t *rapid.T) {
		info := osprofiler.TraceInfo{
			BaseID: rapid.SampledFrom([]string{long, short}).Draw(t, "base"), ParentID: rapid.SampledFrom([]string{long + "p", short + "p"}).Draw(t, "parent"),
		}
		written, out := hop.serve(t, signedBy("k", info))
		base, id, parent := idsOf(t, written)
		want := info
		if info.BaseID == long {
			want.BaseID = osprofiler.BaseIDOf(osprofiler.TraceIDOf(long))
		}
		if info.ParentID != short+"p" {
			want.ParentID = osprofiler.IDOf(osprofiler.TraceIDOf(info.BaseID), osprofiler.SpanIDOf(info.ParentID))
		}
		if base != want.BaseID || parent != want.ParentID {
			t.Fatalf("%+.20q: base %.20q and parent %.20q", info, base, parent)
		}
		on, _, err := osprofiler.UnpackTraceInfo(out[osprofiler.HeaderTraceInfo], out[osprofiler.HeaderTraceHMAC], []string{"k"})
		if err != nil || on.BaseID != info.BaseID || on.ParentID != id {
			t.Fatalf("%+.20q goes on as %+.20q", info, on)
		}
	})
}

// A base id with which a program begins a trace has the same text in notifications and
// headers.
func TestBytesThatAreNoText(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(bridge.NewKeys("k")))
	for in, want := range map[string]string{"a\xffb": "a\uFFFDb", "\xed\xa0\x80": "\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80": "😀", "Zoë": "Zoë"} {
		ctx, op := profiler.Start(profiler.Init(t.Context(), in, in+"p"), "op", "")
		op.Stop("")
		out := injected(bridge.NewPropagator(bridge.NewKeys("k")), ctx)
		on, _, err := osprofiler.UnpackTraceInfo(out[osprofiler.HeaderTraceInfo], out[osprofiler.HeaderTraceHMAC], []string{"k"})
		for _, n := range convert.New().Append(nil, convert.Both, exporter.GetSpans().Snapshots()...) {
			if n.BaseID != want || n.ParentID != want+"p" || op.BaseID() != want || op.ParentID() != want+"p" || on.BaseID != want || err != nil {
				t.Errorf("%q: %s; sent %+q, %v", in, n.JSON(), on, err)
			}
		}
		exporter.Reset()
	}
}
