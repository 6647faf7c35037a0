package testenv

import (
	"context"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// A Collector is an OTLP back end on loopback that keeps the spans it receives over
// gRPC.
type Collector struct {
	collector.UnimplementedTraceServiceServer
	Address string // host and port

	mu    sync.Mutex
	spans []*trace.Span
}

// StartCollector starts an OTLP back end that runs until the test ends.
func StartCollector(t testing.TB) *Collector {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{Address: listener.Addr().String()}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return c
}

// Export implements collector.TraceServiceServer.
func (c *Collector) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// Traces returns the received spans by their trace ids.
func (c *Collector) Traces() map[[16]byte][]*trace.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	traces := map[[16]byte][]*trace.Span{}
	for _, span := range c.spans {
		id := [16]byte(span.GetTraceId())
		traces[id] = append(traces[id], span)
	}
	return traces
}
