package otlppb_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// otelClient records the messages that OTel's own exporter sends.
type otelClient struct{ sent []*tracepb.ResourceSpans }

func (*otelClient) Start(context.Context) error { return nil }
func (*otelClient) Stop(context.Context) error  { return nil }
func (c *otelClient) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	c.sent = append(c.sent, spans...)
	return nil
}

func byOTel(t *testing.T, spans ...sdktrace.ReadOnlySpan) []*tracepb.ResourceSpans {
	t.Helper()
	client := &otelClient{}
	if err := otlptrace.NewUnstarted(client).ExportSpans(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	return client.sent
}

func contextOf(id byte, state string, remote bool) trace.SpanContext {
	parsed, err := trace.ParseTraceState(state)
	if err != nil {
		panic(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: id}, SpanID: trace.SpanID{7: id}, TraceState: parsed, TraceFlags: trace.FlagsSampled, Remote: remote,
	})
}

// values has an attribute of each kind.
func values() []attribute.KeyValue {
	long := string(make([]byte, 300))
	return []attribute.KeyValue{
		attribute.String("text", "ä"), attribute.String("empty", ""), attribute.String("long", long),
		attribute.Int64("int", -1), attribute.Int64("zero", 0), attribute.Bool("no", false), attribute.Bool("yes", true),
		attribute.Float64("float", 1.5), attribute.Float64("inf", math.Inf(-1)),
		attribute.StringSlice("texts", []string{"a", "", long}), attribute.Int64Slice("ints", []int64{0, -1, math.MaxInt64}),
		attribute.BoolSlice("bools", []bool{true, false}), attribute.Float64Slice("floats", []float64{0, 2}), attribute.StringSlice("none", nil),
		attribute.ByteSlice("bytes", []byte{0, 255}), attribute.ByteSlice("no bytes", nil),
		attribute.Slice("slice", attribute.StringValue("a"), attribute.Int64Value(0), attribute.SliceValue(attribute.BoolValue(true))),
		attribute.Map("map", attribute.String("k", long), attribute.Map("inner", attribute.Int("n", 1)), attribute.Map("nothing")),
	}
}

func wholeSpan() convert.Span {
	at := time.Unix(1700000000, 123456789)
	return convert.Span{
		Name: "operation", SpanContext: contextOf(1, "a=b,c=d", false), Parent: contextOf(2, "", true), SpanKind: trace.SpanKindServer,
		StartTime: at, EndTime: at.Add(time.Second), Attributes: values(), Status: sdktrace.Status{Code: codes.Error, Description: "failed"},
		Events:            []sdktrace.Event{{Name: "e", Time: at, Attributes: values(), DroppedAttributeCount: 3}, {}},
		Links:             []sdktrace.Link{{SpanContext: contextOf(3, "", true), Attributes: values(), DroppedAttributeCount: 4}},
		DroppedAttributes: 1, DroppedEvents: 200, DroppedLinks: min(math.MaxInt, math.MaxUint32),
		Resource:             resource.NewWithAttributes("https://resource", attribute.String("service.name", "api")),
		InstrumentationScope: instrumentation.Scope{Name: "scope", Version: "1", SchemaURL: "https://scope", Attributes: attribute.NewSet(values()...)},
	}
}

// Encode writes the same messages as OTel's own exporter for spans of which that exporter
// drops nothing.
func TestEncodeAsOTel(t *testing.T) {
	whole := wholeSpan()
	client, bare := whole, whole
	client.SpanKind, client.Status, client.SpanContext = trace.SpanKindClient, sdktrace.Status{Code: codes.Ok}, contextOf(4, "", false)
	bare.Attributes, bare.Events, bare.Links, bare.Parent, bare.InstrumentationScope = nil, nil, nil, trace.SpanContext{}, instrumentation.Scope{}
	bare.StartTime, bare.SpanKind = time.Unix(-5, 0), 77
	spans := []sdktrace.ReadOnlySpan{whole.Snapshot(), bare.Snapshot(), client.Snapshot()}
	for _, s := range spans {
		if diff := cmp.Diff(byOTel(t, s), otlppb.Encode(s), protocmp.Transform()); diff != "" {
			t.Errorf("OTel's exporter (-) and ours (+): %s", diff)
		}
	}
	all := otlppb.Encode(spans...)
	if len(all) != 1 || len(all[0].ScopeSpans) != 2 || len(all[0].ScopeSpans[0].Spans) != 2 {
		t.Errorf("the spans are grouped as %v", all)
	}
}

// Encode keeps the parts of spans that OTel's own exporter drops.
func TestEncodeKeeps(t *testing.T) {
	s := wholeSpan()
	s.Links[0].SpanContext = contextOf(3, "link=state", true)
	got := otlppb.Encode(s.Snapshot())[0].ScopeSpans[0].Spans[0]
	if state := got.Links[0].TraceState; state != "link=state" {
		t.Errorf("the trace state of the link is %q", state)
	}
}

// Encode writes valid UTF-8 only, because OTLP allows no other strings.
func TestEncodeMakesUTF8(t *testing.T) {
	const bad, good = "a\xffb", "a\uFFFDb"
	attrs := []attribute.KeyValue{attribute.String(bad, bad), attribute.StringSlice("texts", []string{bad}), attribute.Map("map", attribute.Int(bad, 1))}
	s := wholeSpan()
	s.Name, s.Attributes, s.Status.Description = bad, attrs, bad
	s.Events = []sdktrace.Event{{Name: bad, Attributes: attrs}}
	s.InstrumentationScope = instrumentation.Scope{Name: bad, Version: bad, SchemaURL: bad}
	s.Resource = resource.NewWithAttributes(bad, slices.Clone(attrs)...)
	all := otlppb.Encode(s.Snapshot())
	if _, err := proto.Marshal(all[0]); err != nil { // Marshal refuses strings that are not UTF-8
		t.Fatal(err)
	}
	span := all[0].ScopeSpans[0].Spans[0]
	for _, text := range []string{
		span.Name, span.Attributes[0].Key, span.Attributes[0].Value.GetStringValue(), span.Status.Message, span.Events[0].Name,
		all[0].SchemaUrl, all[0].ScopeSpans[0].SchemaUrl, all[0].ScopeSpans[0].Scope.Name, span.Attributes[1].Value.GetArrayValue().Values[0].GetStringValue(),
	} {
		if text != good {
			t.Errorf("%q instead of %q", text, good)
		}
	}
}
