package otlp_test

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
)

// discarding is a client that only serializes, as OTel's clients do.
type discarding struct{ buffer []byte }

func (*discarding) Start(context.Context) error { return nil }
func (*discarding) Stop(context.Context) error  { return nil }
func (d *discarding) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) (err error) {
	d.buffer, err = proto.MarshalOptions{}.MarshalAppend(d.buffer[:0], &coltracepb.ExportTraceServiceRequest{ResourceSpans: spans})
	return err
}

// benchSpans returns spans of SQL calls of several services and hosts.
func benchSpans(n int) []sdktrace.ReadOnlySpan {
	spans := make([]sdktrace.ReadOnlySpan, n)
	for i := range spans {
		base := fmt.Sprintf("a0000000-0000-4000-8000-%012x", i/50)
		id := fmt.Sprintf("b0000000-0000-4000-8000-%012x", i)
		host := fmt.Sprintf("host-%d", i%40)
		start := osprofiler.Notification{
			Name: "db-start", BaseID: base, TraceID: id, ParentID: base, Project: "nova", Service: []string{"api", "compute"}[i%2], Timestamp: "2026-01-01T00:00:00.000001",
			Info: osprofiler.Info(`{"db": {"statement": "SELECT instances.id, instances.uuid, instances.host FROM instances WHERE instances.deleted = %(deleted_1)s AND instances.uuid = %(uuid_1)s LIMIT %(param_1)s", "params": {"deleted_1": 0, "uuid_1": "0d9d8b0c-6b5c-4b0c-8b0c-6b5c4b0c8b0c", "param_1": 1}}, "host": "` + host + `"}`),
		}
		stop := start
		stop.Name, stop.Timestamp, stop.Info = "db-stop", "2026-01-01T00:00:00.000921", osprofiler.Info(`{"host": "`+host+`"}`)
		spans[i] = convert.SpanOf(&start, &stop)
	}
	return spans
}

// BenchmarkEncode builds the requests and serializes them.
func BenchmarkEncode(b *testing.B) {
	spans := benchSpans(512)
	e := otlp.OfConnection(&discarding{})
	b.ReportAllocs()
	for b.Loop() {
		if err := e.ExportSpans(b.Context(), spans); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(spans)), "ns/span")
}

// BenchmarkExport sends to a server of this process.
func BenchmarkExport(b *testing.B) {
	spans := benchSpans(512)
	for name, serve := range map[string]func(c *collector) string{
		"gRPC": func(c *collector) string { return "otlp+grpc://" + c.overGRPC(b, nil) },
		"HTTP": func(c *collector) string { return "otlp+http://" + c.overHTTP(b, nil) },
	} {
		b.Run(name, func(b *testing.B) {
			c := &collector{discard: true}
			e := open(b, serve(c))
			b.ReportAllocs()
			for b.Loop() {
				if err := e.ExportSpans(b.Context(), spans); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(spans)), "ns/span")
		})
	}
}

// The memory of a request is used again, so that a span costs almost no allocation.
func TestAllocations(t *testing.T) {
	spans := benchSpans(512)
	e := otlp.OfConnection(&discarding{})
	export := func() {
		if err := e.ExportSpans(t.Context(), spans); err != nil {
			t.Fatal(err)
		}
	}
	export()
	if n := testing.AllocsPerRun(20, export) / float64(len(spans)); n > 0.8 {
		t.Errorf("%.2f allocations per span", n)
	}
}

// BenchmarkEncodeByOTel is BenchmarkEncode with OpenTelemetry's own exporter.
func BenchmarkEncodeByOTel(b *testing.B) {
	spans := benchSpans(512)
	e := otlptrace.NewUnstarted(&discarding{})
	b.ReportAllocs()
	for b.Loop() {
		if err := e.ExportSpans(b.Context(), spans); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(spans)), "ns/span")
}
