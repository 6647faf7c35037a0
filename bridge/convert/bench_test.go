package convert_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// typical is a server span as otelhttp makes it, with eight attributes.
func typical() sdktrace.ReadOnlySpan {
	sc := trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5, 6}, TraceFlags: trace.FlagsSampled}
	parent := sc
	parent.SpanID[7] = 9
	return tracetest.SpanStub{
		Name:        "GET /v2.1/servers/{id}",
		SpanContext: trace.NewSpanContext(sc), Parent: trace.NewSpanContext(parent),
		SpanKind:  trace.SpanKindServer,
		StartTime: time.Unix(1_700_000_000, 123_456_789), EndTime: time.Unix(1_700_000_000, 223_456_789),
		Attributes: []attribute.KeyValue{
			attribute.String("http.request.method", "GET"),
			attribute.String("url.path", "/v2.1/servers/5f0b"),
			attribute.String("url.query", "limit=10"),
			attribute.String("url.scheme", "http"),
			attribute.String("http.route", "/v2.1/servers/{id}"),
			attribute.String("server.address", "api.example.org"),
			attribute.Int("server.port", 8774),
			attribute.Int("http.response.status_code", 200),
		},
		Resource: resource.NewSchemaless(
			attribute.String("service.namespace", "nova"), attribute.String("service.name", "api"),
			attribute.String("service.version", "1.2.3"), attribute.String("host.name", "controller-1"),
			attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
		),
		InstrumentationScope: instrumentation.Scope{Name: "example.org/instrumentation", Version: "0.1.0"},
	}.Snapshot()
}

// BenchmarkEncodeSpan: a span with eight attributes to two notifications as
// JSON bytes, in batches of 512 with one resource.
func BenchmarkEncodeSpan(b *testing.B) {
	const size = 512
	c := convert.New()
	batch := make([]sdktrace.ReadOnlySpan, size)
	for i := range batch {
		batch[i] = typical()
	}
	for i := range batch { // one resource, as one provider's spans have
		batch[i] = sharing{batch[i], batch[0].Resource()}
	}
	var notifications []osprofiler.Notification
	var text []byte
	written := 0
	b.ReportAllocs()
	for n := 0; n < b.N; n += size {
		notifications = c.Append(notifications[:0], batch[:min(size, b.N-n)]...)
		text = text[:0]
		for i := range notifications {
			text = notifications[i].AppendJSON(text)
		}
		written += len(text)
	}
	b.ReportMetric(float64(written)/float64(b.N), "bytes/span")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}

type sharing struct {
	sdktrace.ReadOnlySpan
	r *resource.Resource
}

func (s sharing) Resource() *resource.Resource { return s.r }

// BenchmarkSpanOf: the two notifications of a Python database call to a span.
func BenchmarkSpanOf(b *testing.B) {
	start, err := osprofiler.ParseNotification(`{"name": "db-start", "base_id": "2130e762-6fff-43b5-a1a2-be4dbd944bd2", "trace_id": "61d83e73-1e58-4d0b-bf99-bd7546d08646", "parent_id": "385613ee-f74b-4dba-8499-a5caa5cf4231", "timestamp": "2026-11-22T07:16:34.200431", "info": {"db": {"statement": "SELECT user.id FROM user WHERE user.name = %(name_1)s", "params": {"name_1": "x"}}, "host": "identity-1"}, "project": "keystone", "service": "public"}`)
	if err != nil {
		b.Fatal(err)
	}
	stop := start
	stop.Name, stop.Info = "db-stop", `{"host": "identity-1"}`
	c := convert.New()
	b.ReportAllocs()
	for b.Loop() {
		if c.SpanOf(&start, &stop) == nil {
			b.Fatal("no span")
		}
	}
}
