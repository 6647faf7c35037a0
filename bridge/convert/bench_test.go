package convert_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
)

// typical is a server span as otelhttp makes it, with eight attributes.
func typical() sdktrace.ReadOnlySpan { return workload.Spans(1)[0] }

// BenchmarkEncodeSpan: a span with eight attributes to two notifications as
// JSON bytes, in batches of 512 with one resource.
func BenchmarkEncodeSpan(b *testing.B) {
	const size = 512
	c := convert.New()
	batch := workload.Spans(size)
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
