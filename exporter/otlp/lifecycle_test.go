package otlp_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// exporter.Open opens the sink with its options, and store.Open refuses it.
func TestOpenedByExporter(t *testing.T) {
	const base = "a0000000-0000-4000-8000-000000000001"
	n := osprofiler.Notification{
		Name: "db-start", BaseID: base, TraceID: "a0000000-0000-4000-8000-000000000002", ParentID: base, Project: "nova", Service: "api",
		Timestamp: "2026-01-01T00:00:00.000000", Info: `{"db": {"statement": "SELECT ?", "params": ["geheim"]}, "host": "h"}`,
	}
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		e, err := exporter.Open(t.Context(), " "+connectionString+"\n", exporter.WithRedaction(tags.Redaction{DBParams: true}), exporter.WithProject("cinder"), exporter.WithServiceNamePrefix("west"))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{convert.SpanOf(&n, nil)}); err != nil {
			t.Fatal(err)
		}
		if text := c.requests[0].String(); strings.Contains(text, "geheim") || !strings.Contains(text, "SELECT ?") || !strings.Contains(text, "west-cinder-api") {
			t.Errorf("sent %s", text)
		}
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := store.Open(t.Context(), connectionString); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("store.Open gives %v", err)
		}
		if _, err := exporter.Open(t.Context(), connectionString+"?x=y"); !errors.Is(err, store.ErrConnectionString) {
			t.Errorf("a wrong option gives %v", err)
		}
	})
}

// Spans of a Tracer keep their resource. The schema URL comes with it.
func TestTracerKeepsResource(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		e := open(t, connectionString, otlp.WithServiceNamePrefix("west"))
		provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(e))
		_, span := provider.Tracer("x").Start(t.Context(), "operation", trace.WithSpanKind(trace.SpanKindClient))
		span.End()
		rs := c.requests[0].GetResourceSpans()[0]
		if got := attributes(rs.GetResource().GetAttributes())["service.name"]; !strings.HasPrefix(got, "unknown_service") || rs.GetSchemaUrl() == "" {
			t.Errorf("the service is %q, the schema %q", got, rs.GetSchemaUrl())
		}
	})
}

func TestShutdown(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		entered, release := make(chan struct{}), make(chan struct{})
		c.answer = func(*request) (*partial, error) { close(entered); <-release; return nil, nil }
		e, err := otlp.Open(connectionString)
		if err != nil {
			t.Fatal(err)
		}
		exported := make(chan error, 1)
		go func() { exported <- e.ExportSpans(context.Background(), numbered(1, 0)) }()
		<-entered
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := e.Shutdown(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "is still sending to "+e.Name()) {
			t.Errorf("Shutdown gives %v", err)
		}
		if err := e.ExportSpans(t.Context(), numbered(1, 0)); !errors.Is(err, exporter.ErrShutdown) {
			t.Errorf("ExportSpans gives %v", err)
		}
		if err := e.Ping(t.Context()); !errors.Is(err, exporter.ErrShutdown) {
			t.Errorf("Ping gives %v", err)
		}
		close(release)
		if err := <-exported; err != nil {
			t.Errorf("the export in progress gives %v", err)
		}
		for range 2 {
			if err := e.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// Goroutines share an Exporter.
func TestConcurrent(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		e := open(t, connectionString+"?osp_max_message_size=2048&osp_compression=gzip")
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := e.ExportSpans(t.Context(), numbered(50, 100)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		count := map[string]int{}
		for _, name := range c.names() {
			count[name]++
		}
		if len(count) != 50 || count["49"] != 8 {
			t.Errorf("got the spans %v", count)
		}
	})
}

// New works with a client that the caller made.
func TestForeignClient(t *testing.T) {
	c := &collector{}
	client := otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(c.overGRPC(t, nil)), otlptracegrpc.WithInsecure(), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Stop(context.Background()) }()
	e := otlp.New(client)
	if err := e.ExportSpans(t.Context(), numbered(3, 0)); err != nil || len(c.spans()) != 3 {
		t.Errorf("%d spans were delivered (%v)", len(c.spans()), err)
	}
	c.answer = func(r *request) (*partial, error) {
		if has(r, "1") {
			return nil, status.Error(codes.InvalidArgument, "no")
		}
		return nil, nil
	}
	err := e.ExportSpans(t.Context(), numbered(3, 0))
	if got := sinkError(t, err); len(got.Refused) != 1 || got.Refused[0] != 1 {
		t.Errorf("got %+v", got)
	}
	c.answer = func(*request) (*partial, error) { return &partial{RejectedSpans: 1, ErrorMessage: "too old"}, nil }
	if err := e.ExportSpans(t.Context(), numbered(3, 0)); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("got %v", err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNoSpans(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		if err := open(t, connectionString).ExportSpans(t.Context(), nil); err != nil || len(c.sizes) != 0 {
			t.Errorf("%d requests were sent (%v)", len(c.sizes), err)
		}
	})
}
