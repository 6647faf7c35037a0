package otlppb_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// Messages that a span can hold are drawn here. The package documentation names what
// they leave out.

func bytesOf(n int) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		id := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "id")
		id[n-1] |= 1
		return id
	})
}

var (
	genText  = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "GET", "a\"b\\c\n", "zażółć ✓ 😀", "\x00\u2028"}))
	genKey   = rapid.OneOf(rapid.StringMatching(`[a-z]{1,8}`), rapid.SampledFrom([]string{"http.request.method", "db.query.text", "db.system", "http.method", "rpc.method"}))
	genState = rapid.SampledFrom([]string{"", "a=b", "vendor=x,osp=YQ.Yg", "not a state!", "a=b,,c=d", " a=b"})
	genCount = rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32())
	genNanos = rapid.Uint64Range(0, 4_000_000_000_000_000_000)
	genFlags = rapid.Custom(func(t *rapid.T) uint32 {
		return uint32(rapid.Byte().Draw(t, "flags")) | 0x100 | rapid.SampledFrom([]uint32{0, 0x200}).Draw(t, "remote")
	})
)

func genValue(depth int) *rapid.Generator[*commonpb.AnyValue] {
	return rapid.Custom(func(t *rapid.T) *commonpb.AnyValue {
		most := 7
		if depth == 0 {
			most = 5
		}
		switch rapid.IntRange(0, most).Draw(t, "kind of value") {
		case 0:
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: genText.Draw(t, "text")}}
		case 1:
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: rapid.Int64().Draw(t, "int")}}
		case 2:
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: rapid.Bool().Draw(t, "bool")}}
		case 3:
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: rapid.Float64().Draw(t, "double")}}
		case 4:
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "bytes")}}
		case 5:
			return &commonpb.AnyValue{}
		case 6:
			list := rapid.SliceOfN(genValue(depth-1), 0, 3).Draw(t, "list")
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: list}}}
		default:
			list := rapid.SliceOfNDistinct(genKeyValue(depth-1), 0, 3, (*commonpb.KeyValue).GetKey).Draw(t, "map")
			slices.SortFunc(list, func(a, b *commonpb.KeyValue) int { return strings.Compare(a.Key, b.Key) })
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: list}}}
		}
	})
}

func genKeyValue(depth int) *rapid.Generator[*commonpb.KeyValue] {
	return rapid.Custom(func(t *rapid.T) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: genKey.Draw(t, "key"), Value: genValue(depth).Draw(t, "value")}
	})
}

var genAttributes = rapid.SliceOfN(genKeyValue(2), 0, 5)

// genSorted draws attributes in the form in which a resource keeps them.
var genSorted = rapid.Custom(func(t *rapid.T) (sorted []*commonpb.KeyValue) {
	for _, key := range []string{"a", "host.name", "service.name", "service.namespace"} {
		if rapid.Bool().Draw(t, key) {
			value := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: genText.Draw(t, "value")}}
			sorted = append(sorted, &commonpb.KeyValue{Key: key, Value: value})
		}
	}
	return sorted
})

var genMessage = rapid.Custom(func(t *rapid.T) *tracepb.ResourceSpans {
	start := genNanos.Draw(t, "start")
	span := &tracepb.Span{
		TraceId: bytesOf(16).Draw(t, "trace id"), SpanId: bytesOf(8).Draw(t, "span id"), TraceState: genState.Draw(t, "state"),
		Flags: genFlags.Draw(t, "flags"), Name: genText.Draw(t, "name"), Kind: tracepb.Span_SpanKind(rapid.IntRange(0, 5).Draw(t, "kind")),
		StartTimeUnixNano: start, EndTimeUnixNano: start + 1 + rapid.Uint64Range(0, 1e12).Draw(t, "length"),
		Attributes: genAttributes.Draw(t, "attributes"), DroppedAttributesCount: genCount.Draw(t, "dropped"),
		DroppedEventsCount: genCount.Draw(t, "dropped"), DroppedLinksCount: genCount.Draw(t, "dropped"),
		Status: &tracepb.Status{Message: genText.Draw(t, "message"), Code: tracepb.Status_StatusCode(rapid.IntRange(0, 2).Draw(t, "code"))},
	}
	if rapid.Bool().Draw(t, "has parent") {
		span.ParentSpanId = bytesOf(8).Draw(t, "parent")
	}
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		span.Events = append(span.Events, &tracepb.Span_Event{
			TimeUnixNano: genNanos.Draw(t, "time"), Name: genText.Draw(t, "event"),
			Attributes: genAttributes.Draw(t, "attributes"), DroppedAttributesCount: genCount.Draw(t, "dropped"),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "links") {
		span.Links = append(span.Links, &tracepb.Span_Link{
			TraceId: bytesOf(16).Draw(t, "trace id"), SpanId: bytesOf(8).Draw(t, "span id"), TraceState: genState.Draw(t, "state"),
			Attributes: genAttributes.Draw(t, "attributes"), DroppedAttributesCount: genCount.Draw(t, "dropped"), Flags: genFlags.Draw(t, "flags"),
		})
	}
	return &tracepb.ResourceSpans{
		Resource: &resourcepb.Resource{Attributes: genSorted.Draw(t, "resource")}, SchemaUrl: genText.Draw(t, "schema"),
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: "s" + genText.Draw(t, "scope"), Version: genText.Draw(t, "version"), Attributes: genSorted.Draw(t, "scope attributes")},
			Spans: []*tracepb.Span{span}, SchemaUrl: genText.Draw(t, "schema"),
		}},
	}
})

// withStates returns a message as it is after the round trip: a trace state that a span
// cannot hold has become an attribute.
func withStates(m *tracepb.ResourceSpans) *tracepb.ResourceSpans {
	m = proto.CloneOf(m)
	move := func(state *string, attributes *[]*commonpb.KeyValue) {
		if normal := map[string]string{"not a state!": "", "a=b,,c=d": "a=b,c=d", " a=b": "a=b"}; *state != "" {
			if text, odd := normal[*state]; odd {
				value := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: *state}}
				*attributes = append(*attributes, &commonpb.KeyValue{Key: string(otlppb.TraceStateKey), Value: value})
				*state = text
			}
		}
	}
	for _, ofScope := range m.ScopeSpans {
		for _, span := range ofScope.Spans {
			move(&span.TraceState, &span.Attributes)
			for _, link := range span.Links {
				move(&link.TraceState, &link.Attributes)
			}
		}
	}
	return m
}

// A message survives the conversion to spans, to notifications, to protobuf's binary form
// and to OTLP/JSON and back, with the changes that the package documentation names.
func TestMessageSurvives(t *testing.T) {
	d := &otlppb.Decoder{}
	c := convert.New()
	rapid.Check(t, func(t *rapid.T) {
		message := genMessage.Draw(t, "message")
		body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{message}})
		if err != nil {
			t.Fatal(err)
		}
		messages, refused, err := otlppb.Parse(body)
		if err != nil || len(refused) > 0 {
			t.Fatal(err, refused)
		}
		spans, refused := d.Spans(messages)
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		want := []*tracepb.ResourceSpans{withStates(message)}
		if diff := cmp.Diff(want, otlppb.Encode(spans...), protocmp.Transform()); diff != "" {
			t.Fatalf("the message (-) and what comes back from a span (+): %s", diff)
		}
		notifications := c.Append(nil, convert.Both, spans...)
		start, stop := stored(t, notifications[0]), stored(t, notifications[1])
		if diff := cmp.Diff(want, otlppb.Encode(c.SpanOf(&start, &stop)), protocmp.Transform()); diff != "" {
			t.Fatalf("the message (-) and what comes back from notifications (+): %s\nof %s", diff, stop.JSON())
		}
	})
}

// stored returns a notification as a store returns it.
func stored(t interface{ Fatal(...any) }, n osprofiler.Notification) osprofiler.Notification {
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	back, err := osprofiler.ParseNotification(n.JSON())
	if err != nil {
		t.Fatal(err, n.JSON())
	}
	return back
}
