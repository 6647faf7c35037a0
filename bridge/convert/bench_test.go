package convert_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
)

// typical returns a server span as otelhttp makes it, with eight attributes.
func typical() sdktrace.ReadOnlySpan { return workload.Spans(1)[0] }

const batchSize = 512

// BenchmarkEncodeSpan measures the conversion of a span with eight attributes to two
// notifications as JSON bytes, in batches of 512 with one resource.
func BenchmarkEncodeSpan(b *testing.B) {
	c := convert.New()
	batch := workload.Spans(batchSize)
	var notifications []osprofiler.Notification
	var text []byte
	written := 0
	b.ReportAllocs()
	for n := 0; n < b.N; n += batchSize {
		notifications = c.Append(notifications[:0], convert.Both, batch[:min(batchSize, b.N-n)]...)
		text = text[:0]
		for i := range notifications {
			text = notifications[i].AppendJSON(text)
		}
		written += len(text)
	}
	b.ReportMetric(float64(written)/float64(b.N), "bytes/span")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}

// BenchmarkSDKSpans measures the steps of a store's Write with spans of the SDK. One operation
// is a batch of 512 spans.
func BenchmarkSDKSpans(b *testing.B) {
	spans := sdkSpans(batchSize)
	c := convert.New()
	perSpan := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batchSize, "ns/span")
	}
	b.Run("Append", func(b *testing.B) {
		b.ReportAllocs()
		var dst []osprofiler.Notification
		for b.Loop() {
			dst = c.Append(dst[:0], convert.Both, spans...)
		}
		perSpan(b)
	})
	b.Run("AppendLive", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var dst []osprofiler.Notification
			for _, s := range spans {
				dst = c.Append(dst[:0], convert.Starts, s)
				dst = c.Append(dst[:0], convert.Stops, s)
			}
		}
		perSpan(b)
	})
	notifications := c.Append(nil, convert.Both, spans...)
	b.Run("Validate", func(b *testing.B) {
		for b.Loop() {
			for i := range notifications {
				if err := notifications[i].Validate(); err != nil {
					b.Fatal(err)
				}
			}
		}
		perSpan(b)
	})
	b.Run("AppendJSON", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text = text[:0]
			for i := range notifications {
				text = notifications[i].AppendJSON(text)
			}
		}
		perSpan(b)
	})
	b.Run("Append+Validate+AppendJSON", func(b *testing.B) {
		b.ReportAllocs()
		var dst []osprofiler.Notification
		var text []byte
		for b.Loop() {
			dst = c.Append(dst[:0], convert.Both, spans...)
			text = text[:0]
			for i := range dst {
				if err := dst[i].Validate(); err != nil {
					b.Fatal(err)
				}
				text = dst[i].AppendJSON(text)
			}
		}
		perSpan(b)
	})
}

// sdkSpans returns spans that the SDK made, as an exporter gets them.
func sdkSpans(count int) []sdktrace.ReadOnlySpan {
	c := &collector{}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(c), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "nova"), attribute.String("host.name", "c1"), attribute.String("k8s.pod.name", "abcdefgh"),
		attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
		attribute.String("telemetry.sdk.version", "1.47.0"), attribute.String("process.executable.path", "/usr/local/bin/nova-metadata"))))
	tracer := provider.Tracer("x")
	for range count {
		_, s := tracer.Start(context.Background(), "GET /v3", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", "GET"), attribute.String("url.path", "/v3/auth"),
			attribute.String("url.scheme", "http"), attribute.Int("http.response.status_code", 200)))
		s.End()
	}
	return c.spans
}

type collector struct{ spans []sdktrace.ReadOnlySpan }

func (c *collector) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	c.spans = append(c.spans, spans...)
	return nil
}
func (*collector) Shutdown(context.Context) error { return nil }

// BenchmarkSpanOf measures the conversion of the two notifications of a Python database call
// to a span.
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
