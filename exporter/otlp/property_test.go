package otlp_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

func drawAttributes(t *rapid.T, label string) []attribute.KeyValue {
	text := rapid.StringN(0, 200, -1)
	attrs := make([]attribute.KeyValue, rapid.IntRange(0, 4).Draw(t, label))
	for i := range attrs {
		key := attribute.Key(rapid.StringN(1, 20, -1).Draw(t, "key"))
		switch rapid.IntRange(0, 6).Draw(t, "type") {
		case 0:
			attrs[i] = key.Int64(rapid.Int64().Draw(t, "int"))
		case 1:
			attrs[i] = key.Float64(rapid.Float64().Draw(t, "float"))
		case 2:
			attrs[i] = key.Bool(rapid.Bool().Draw(t, "bool"))
		case 3:
			attrs[i] = key.StringSlice(rapid.SliceOfN(text, 0, 3).Draw(t, "texts"))
		case 4:
			attrs[i] = attribute.Map(string(key), attribute.String("inner", text.Draw(t, "inner")), attribute.ByteSlice("bytes", []byte{0xff}))
		default:
			attrs[i] = key.String(text.Draw(t, "text"))
		}
	}
	return attrs
}

func drawContext(t *rapid.T, label string) trace.SpanContext {
	state, err := trace.ParseTraceState(rapid.SampledFrom([]string{"", "a=b", "a=b,c@d=e"}).Draw(t, label+" state"))
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label+" trace id")), SpanID: trace.SpanID(rapid.SliceOfN(rapid.ByteRange(1, 255), 8, 8).Draw(t, label+" span id")),
		TraceState: state, TraceFlags: trace.TraceFlags(rapid.Byte().Draw(t, label+" flags")), Remote: rapid.Bool().Draw(t, label+" remote"),
	})
}

func drawTime(t *rapid.T, label string) time.Time {
	return time.Unix(0, rapid.Int64Range(1, math.MaxInt64).Draw(t, label))
}

// drawSpan draws a span with everything that a span can have. The name is the span's
// number.
func drawSpan(t *rapid.T, number int) sdktrace.ReadOnlySpan {
	count := rapid.IntRange(0, min(math.MaxInt, math.MaxUint32))
	s := convert.Span{
		Name: fmt.Sprint(number), SpanContext: drawContext(t, "own"), SpanKind: trace.SpanKind(rapid.IntRange(0, 5).Draw(t, "kind")),
		StartTime: drawTime(t, "start"), EndTime: drawTime(t, "end"), Attributes: drawAttributes(t, "attributes"),
		Status:            sdktrace.Status{Code: codes.Code(rapid.IntRange(0, 2).Draw(t, "code")), Description: rapid.StringN(0, 10, -1).Draw(t, "description")},
		DroppedAttributes: count.Draw(t, "attributes"), DroppedEvents: count.Draw(t, "events"), DroppedLinks: count.Draw(t, "links"),
		Resource: resource.NewWithAttributes(rapid.SampledFrom([]string{"", "https://schema"}).Draw(t, "schema"), attribute.String("service.name", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "service"))),
		InstrumentationScope: instrumentation.Scope{
			Name: rapid.SampledFrom([]string{"", "x", convert.ScopeName}).Draw(t, "scope"), Version: rapid.SampledFrom([]string{"", "1"}).Draw(t, "version"),
			Attributes: attribute.NewSet(attribute.Bool("a", rapid.Bool().Draw(t, "scope attribute"))),
		},
	}
	if rapid.Bool().Draw(t, "has parent") {
		s.Parent = drawContext(t, "parent")
	}
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		s.Events = append(s.Events, sdktrace.Event{Name: rapid.StringN(0, 9, -1).Draw(t, "event"), Time: drawTime(t, "time"), Attributes: drawAttributes(t, "of the event"), DroppedAttributeCount: count.Draw(t, "dropped")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "links") {
		s.Links = append(s.Links, sdktrace.Link{SpanContext: drawContext(t, "link"), Attributes: drawAttributes(t, "of the link"), DroppedAttributeCount: count.Draw(t, "dropped")})
	}
	return s.Snapshot()
}

// placedSpan is a span with its scope and its resource.
type placedSpan struct {
	span *tracepb.Span
	rest *tracepb.ResourceSpans // without spans
}

func byName(all ...*tracepb.ResourceSpans) map[string]placedSpan {
	placed := map[string]placedSpan{}
	for _, rs := range all {
		for _, ss := range rs.GetScopeSpans() {
			rest := &tracepb.ResourceSpans{Resource: rs.GetResource(), SchemaUrl: rs.GetSchemaUrl(), ScopeSpans: []*tracepb.ScopeSpans{{Scope: ss.GetScope(), SchemaUrl: ss.GetSchemaUrl()}}}
			for _, s := range ss.GetSpans() {
				placed[s.GetName()] = placedSpan{s, rest}
			}
		}
	}
	return placed
}

// All data of a span arrives, however the requests are cut.
func TestEverythingArrives(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		rapid.Check(t, func(rt *rapid.T) {
			c.mu.Lock()
			c.requests, c.sizes = nil, nil
			c.mu.Unlock()
			spans := make([]sdktrace.ReadOnlySpan, rapid.IntRange(1, 20).Draw(rt, "spans"))
			for i := range spans {
				spans[i] = drawSpan(rt, i)
			}
			limit := rapid.IntRange(1024, 20_000).Draw(rt, "limit")
			e := open(t, fmt.Sprintf("%s?osp_max_message_size=%d", connectionString, limit))
			if err := e.ExportSpans(t.Context(), spans); err != nil {
				rt.Fatal(err)
			}
			var got []*tracepb.ResourceSpans
			for i, r := range c.requests {
				got = append(got, r.GetResourceSpans()...)
				if n := len(byName(r.GetResourceSpans()...)); c.sizes[i] > limit && n > 1 {
					rt.Errorf("a request with %d spans has %d bytes, and the limit is %d", n, c.sizes[i], limit)
				}
			}
			if diff := cmp.Diff(byName(otlppb.Encode(spans...)...), byName(got...), protocmp.Transform(), cmp.AllowUnexported(placedSpan{})); diff != "" {
				rt.Errorf("sent (-) and got (+): %s", diff)
			}
		})
	})
}
