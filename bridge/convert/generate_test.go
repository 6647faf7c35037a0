package convert_test

import (
	"context"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// These are rapid generators for the parts of a span.

var genText = rapid.OneOf(
	rapid.SampledFrom([]string{"", "GET", "SELECT * FROM t WHERE a = \"b\\c\"\n", "zażółć ✓ 😀 <&>", "\x00\x1f\x7f\u2028", "a-start", "-stop"}),
	rapid.String(),
)

var genKey = rapid.OneOf(
	rapid.SampledFrom([]string{
		"http.request.method", "http.method", "url.path", "url.full", "http.url", "http.target", "url.query", "url.scheme",
		"server.address", "server.port", "http.response.status_code", "db.system.name", "db.query.text", "db.statement",
		"db.query.parameter.0", "rpc.system", "rpc.method", "rpc.service", "code.function.name", "error.type",
		"openstack.request_id", "openstack.global_request_id", "openstack.project_id", "openstack.user_id", "openstack.domain_id",
		"messaging.system", "messaging.operation", "messaging.operation.name", "messaging.destination.name", "messaging.message.id",
	}),
	rapid.StringMatching(`[a-z][a-z.]{0,12}`),
)

func genValue(depth int) *rapid.Generator[attribute.Value] {
	scalar := []*rapid.Generator[attribute.Value]{
		rapid.Map(genText, attribute.StringValue),
		rapid.Map(rapid.Int64(), attribute.Int64Value),
		rapid.Map(rapid.Bool(), attribute.BoolValue),
		rapid.Map(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1, 1e16})), attribute.Float64Value),
		rapid.Map(rapid.SliceOfN(genText, 0, 3), attribute.StringSliceValue),
		rapid.Map(rapid.SliceOfN(rapid.Int64(), 0, 3), attribute.Int64SliceValue),
		rapid.Map(rapid.SliceOfN(rapid.Bool(), 0, 3), attribute.BoolSliceValue),
		rapid.Map(rapid.SliceOfN(rapid.Float64(), 0, 3), attribute.Float64SliceValue),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 5), attribute.ByteSliceValue),
		rapid.Just(attribute.Value{}),
	}
	if depth > 0 {
		scalar = append(scalar,
			rapid.Custom(func(t *rapid.T) attribute.Value {
				return attribute.SliceValue(rapid.SliceOfN(genValue(depth-1), 0, 3).Draw(t, "slice")...)
			}),
			rapid.Custom(func(t *rapid.T) attribute.Value {
				return attribute.MapValue(rapid.SliceOfN(genKeyValue(depth-1), 0, 3).Draw(t, "map")...)
			}))
	}
	return rapid.OneOf(scalar...)
}

func genKeyValue(depth int) *rapid.Generator[attribute.KeyValue] {
	return rapid.Custom(func(t *rapid.T) attribute.KeyValue {
		return attribute.KeyValue{Key: attribute.Key(genKey.Draw(t, "key")), Value: genValue(depth).Draw(t, "value")}
	})
}

var genExtraKeys = rapid.SampledFrom([]attribute.KeyValue{
	attribute.Int("osprofiler.child_span_count", 7), attribute.String("osprofiler.child_span_count", "x"),
	attribute.String("osprofiler.parent.trace_state", "a=b"), attribute.String("osprofiler.parent.trace_state", "not a state!"),
	attribute.Bool("osprofiler.own_attributes_end", true),
})

// genSpanAttributes sometimes end with a key that we use ourselves.
var genSpanAttributes = rapid.Custom(func(t *rapid.T) []attribute.KeyValue {
	attrs := genAttributes.Draw(t, "attributes")
	if rapid.IntRange(0, 4).Draw(t, "ours") == 0 {
		attrs = append(attrs, genExtraKeys.Draw(t, "extra"))
	}
	return attrs
})

var genAttributes = rapid.SliceOfNDistinct(genKeyValue(2), 0, 8, func(kv attribute.KeyValue) attribute.Key { return kv.Key })

var genTime = rapid.Map(rapid.Int64Range(0, 4_000_000_000_000_000_000), func(n int64) time.Time { return time.Unix(0, n).UTC() })

var genTraceState = rapid.Custom(func(t *rapid.T) trace.TraceState {
	state, err := trace.ParseTraceState(rapid.SampledFrom([]string{"", "a=b", "vendor=x,osp=YQ.Yg"}).Draw(t, "tracestate"))
	if err != nil {
		t.Fatal(err)
	}
	return state
})

var genContext = rapid.Custom(func(t *rapid.T) trace.SpanContext {
	var config trace.SpanContextConfig
	copy(config.TraceID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace id"))
	copy(config.SpanID[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span id"))
	config.TraceID[15] |= 1
	config.SpanID[7] |= 1
	config.TraceFlags = trace.TraceFlags(rapid.Byte().Draw(t, "flags"))
	config.TraceState = genTraceState.Draw(t, "state")
	config.Remote = rapid.Bool().Draw(t, "remote")
	return trace.NewSpanContext(config)
})

var genCount = rapid.OneOf(rapid.Just(0), rapid.IntRange(0, min(math.MaxInt, math.MaxUint32)))

var genSpan = rapid.Custom(func(t *rapid.T) sdktrace.ReadOnlySpan {
	sc := genContext.Draw(t, "context").WithRemote(false)
	parent := trace.SpanContext{}
	if rapid.Bool().Draw(t, "has parent") {
		parent = genContext.Draw(t, "parent").WithTraceID(sc.TraceID()).WithTraceFlags(sc.TraceFlags())
	}
	return tracetest.SpanStub{
		Name:              genText.Draw(t, "name"),
		SpanContext:       sc,
		Parent:            parent,
		SpanKind:          trace.SpanKind(rapid.IntRange(0, 5).Draw(t, "kind")),
		StartTime:         genTime.Draw(t, "start"),
		EndTime:           genTime.Draw(t, "end"),
		Attributes:        genSpanAttributes.Draw(t, "attributes"),
		Events:            rapid.SliceOfN(genEvent, 0, 2).Draw(t, "events"),
		Links:             rapid.SliceOfN(genLink, 0, 2).Draw(t, "links"),
		Status:            genStatus.Draw(t, "status"),
		DroppedAttributes: genCount.Draw(t, "dropped attributes"),
		DroppedEvents:     genCount.Draw(t, "dropped events"),
		DroppedLinks:      genCount.Draw(t, "dropped links"),
		ChildSpanCount:    rapid.IntRange(0, 100).Draw(t, "children"),
		Resource:          genResource.Draw(t, "resource"),
		InstrumentationScope: instrumentation.Scope{
			Name: genText.Draw(t, "scope"), Version: genText.Draw(t, "version"), SchemaURL: genText.Draw(t, "scope schema"),
			Attributes: attribute.NewSet(genAttributes.Draw(t, "scope attributes")...),
		},
	}.Snapshot()
})

var genEvent = rapid.Custom(func(t *rapid.T) sdktrace.Event {
	return sdktrace.Event{
		Name:                  rapid.OneOf(rapid.Just("exception"), genText).Draw(t, "event"),
		Time:                  genTime.Draw(t, "time"),
		Attributes:            genAttributes.Draw(t, "attributes"),
		DroppedAttributeCount: genCount.Draw(t, "dropped"),
	}
})

var genLink = rapid.Custom(func(t *rapid.T) sdktrace.Link {
	return sdktrace.Link{
		SpanContext:           genContext.Draw(t, "context"),
		Attributes:            genAttributes.Draw(t, "attributes"),
		DroppedAttributeCount: genCount.Draw(t, "dropped"),
	}
})

var genStatus = rapid.Custom(func(t *rapid.T) sdktrace.Status {
	return sdktrace.Status{
		Code:        rapid.SampledFrom([]codes.Code{codes.Unset, codes.Ok, codes.Error}).Draw(t, "code"),
		Description: genText.Draw(t, "description"),
	}
})

var genResource = rapid.Custom(func(t *rapid.T) *resource.Resource {
	attrs := append(genAttributes.Draw(t, "resource"),
		attribute.String("service.name", genText.Draw(t, "service")),
		attribute.String("service.namespace", genText.Draw(t, "project")))
	return resource.NewWithAttributes(rapid.SampledFrom([]string{"", "https://opentelemetry.io/schemas/1.43.0"}).Draw(t, "schema"), attrs...)
})

// otlpOf returns a span in the form in which OTel's own OTLP exporter sends it.
func otlpOf(t interface{ Fatal(...any) }, s sdktrace.ReadOnlySpan) *tracepb.ResourceSpans {
	client := &capture{}
	exporter, err := otlptrace.New(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	if err := exporter.ExportSpans(context.Background(), []sdktrace.ReadOnlySpan{s}); err != nil {
		t.Fatal(err)
	}
	return proto.Clone(client.sent[0]).(*tracepb.ResourceSpans)
}

type capture struct{ sent []*tracepb.ResourceSpans }

func (*capture) Start(context.Context) error { return nil }
func (*capture) Stop(context.Context) error  { return nil }
func (c *capture) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	c.sent = spans
	return nil
}
