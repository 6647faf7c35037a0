package otlp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// protocols are the two ways to a collector.
var protocols = map[string]func(c *collector, t *testing.T) string{
	"gRPC": func(c *collector, t *testing.T) string { return "otlp+grpc://" + c.overGRPC(t, nil) },
	"HTTP": func(c *collector, t *testing.T) string { return "otlp+http://" + c.overHTTP(t, nil) },
}

// overBoth runs a test by gRPC and by HTTP.
func overBoth(t *testing.T, test func(t *testing.T, c *collector, connectionString string)) {
	t.Helper()
	for name, serve := range protocols {
		t.Run(name, func(t *testing.T) {
			c := &collector{}
			test(t, c, serve(c, t))
		})
	}
}

// open opens an Exporter that is shut down at the end of the test.
func open(t testing.TB, connectionString string, opts ...otlp.ConnectionOption) *otlp.Exporter {
	t.Helper()
	e, err := otlp.Open(connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// numbered returns spans of one resource. The name of span i begins with its number.
func numbered(n, padding int) []sdktrace.ReadOnlySpan {
	of := resource.NewSchemaless(attribute.String("service.name", "api"))
	spans := make([]sdktrace.ReadOnlySpan, n)
	for i := range spans {
		at := time.Unix(1700000000, int64(i))
		s := convert.Span{
			Name: fmt.Sprintf("%d", i), Resource: of, StartTime: at, EndTime: at.Add(time.Millisecond), InstrumentationScope: instrumentation.Scope{Name: "test"},
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{byte(i >> 8), byte(i), 1}}),
			Attributes:  []attribute.KeyValue{attribute.String("padding", strings.Repeat("x", padding))},
		}
		spans[i] = s.Snapshot()
	}
	return spans
}

// names returns the names of the spans that a collector has, in their order.
func (c *collector) names() (names []string) {
	for _, s := range c.spans() {
		names = append(names, s.GetName())
	}
	return names
}

// sinkError returns the error of an export as a SinkError.
func sinkError(t *testing.T, err error) *exporter.SinkError {
	t.Helper()
	var e *exporter.SinkError
	if !errors.As(err, &e) {
		t.Fatalf("%v is no SinkError", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
	return e
}

func TestExport(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		for name, target := range map[string]string{"plain": connectionString, "gzip": connectionString + "?osp_compression=gzip"} {
			c.requests = nil
			e := open(t, target)
			spans := numbered(3, 10)
			if err := e.ExportSpans(t.Context(), spans); err != nil {
				t.Fatal(err)
			}
			if len(c.requests) != 1 {
				t.Fatalf("%s: %d requests were sent", name, len(c.requests))
			}
			if diff := cmp.Diff(otlppb.Encode(spans...), c.requests[0].GetResourceSpans(), protocmp.Transform()); diff != "" {
				t.Errorf("%s: sent (-) and got (+): %s", name, diff)
			}
			if err := e.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// Requests are cut by their size in bytes.
func TestMaxMessageSize(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		e := open(t, connectionString+"?osp_max_message_size=10000")
		spans := numbered(50, 1000)
		if err := e.ExportSpans(t.Context(), spans); err != nil {
			t.Fatal(err)
		}
		if got := c.names(); len(got) != 50 || got[49] != "49" {
			t.Errorf("got the spans %v", got)
		}
		for i, size := range c.sizes {
			if size > 10000 || size < 8500 && i < len(c.sizes)-1 {
				t.Errorf("request %d has %d bytes", i, size)
			}
		}
	})
}
