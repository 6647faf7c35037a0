package otlp_test

import (
	"context"
	"fmt"
	"net"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/store"
)

// printing is a target that prints the names of the spans and of their services.
type printing struct {
	coltracepb.UnimplementedTraceServiceServer
}

func (printing) Export(_ context.Context, r *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				fmt.Println(s.GetName(), "of", attributes(rs.GetResource().GetAttributes())["service.name"])
			}
		}
	}
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

func serve() (address string, stop func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // an example
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	coltracepb.RegisterTraceServiceServer(server, printing{})
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), server.Stop
}

// The notifications of a Python service go to an OTLP target as spans.
func Example() {
	address, stop := serve()
	defer stop()
	ctx := context.Background()
	spans, err := exporter.Open(ctx, "otlp+grpc://"+address+"?service_name_prefix=west")
	if err != nil {
		panic(err)
	}
	notifier := bridge.NewNotifier(spans)
	start := osprofiler.Notification{
		Name: "wsgi-start", BaseID: "a0000000-0000-4000-8000-000000000001", TraceID: "a0000000-0000-4000-8000-000000000002", ParentID: "a0000000-0000-4000-8000-000000000001",
		Timestamp: "2026-01-01T00:00:00.000000", Project: "nova", Service: "api", Info: `{"host": "h", "request": {"path": "/servers", "query": "", "method": "GET", "scheme": "http"}}`,
	}
	stopped := start
	stopped.Name, stopped.Timestamp, stopped.Info = "wsgi-stop", "2026-01-01T00:00:00.250000", `{"host": "h"}`
	if err := notifier.Notify(ctx, start, stopped); err != nil {
		panic(err)
	}
	if err := spans.Shutdown(ctx); err != nil {
		panic(err)
	}
	// Output: wsgi of west-nova-api
}

// A program can set what should not stand in a connection string.
func ExampleOpen() {
	address, stop := serve()
	defer stop()
	ctx := context.Background()
	e, err := otlp.Open("otlp+grpc://"+address, otlp.WithHeaders(map[string]string{"authorization": "Bearer token"}), otlp.WithGzip(), otlp.WithRetry(store.Retry{Elapsed: -1}))
	if err != nil {
		panic(err)
	}
	fmt.Println(e.Ping(ctx))
	if err := e.Shutdown(ctx); err != nil {
		panic(err)
	}
	// Output: <nil>
}
