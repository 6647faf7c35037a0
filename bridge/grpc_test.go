package bridge_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// healthServer is a gRPC service that records the incoming metadata.
type healthServer struct {
	grpc_health_v1.UnimplementedHealthServer

	mu   sync.Mutex
	came []metadata.MD
}

func (h *healthServer) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.came = append(h.came, md)
	return &grpc_health_v1.HealthCheckResponse{}, nil
}

// The propagator works the same with gRPC's metadata and OTel's instrumentation.
func TestGRPC(t *testing.T) {
	keys := bridge.NewKeys("k")
	s, _ := newFileStore(t)
	provider := providerOf(t, s, "grpc")
	options := []otelgrpc.Option{otelgrpc.WithTracerProvider(provider), otelgrpc.WithPropagators(bridge.NewPropagators(keys))}
	health := &healthServer{}
	client := grpc_health_v1.NewHealthClient(grpcPair(t, health, options))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(keys))

	traced := profiler.Init(t.Context(), "BASE-1", "")
	forged, _ := theInfo.Pack("another key")
	for _, ctx := range []context.Context{
		traced,
		t.Context(),
		metadata.AppendToOutgoingContext(t.Context(), "x-trace-info", forged, "x-trace-hmac", "0000000000000000000000000000000000000000"),
	} {
		if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, provider)
	if ids := traces(t, s); len(ids) != 1 || ids[0] != "BASE-1" {
		t.Fatal(ids)
	}
	got := map[string]osprofiler.Notification{} // the client's call is a root, and the server's is below it
	for _, n := range stored(t, s, "BASE-1") {
		if n.ParentID == n.BaseID {
			got["client "+n.Half().String()] = n
		} else {
			got["server "+n.Half().String()] = n
		}
	}
	if len(got) != 4 || got["server start"].ParentID != got["client start"].TraceID {
		t.Error(got)
	}
	checkMetadata(t, health.came, got["client start"].TraceID)
}

func checkMetadata(t *testing.T, came []metadata.MD, parent string) {
	t.Helper()
	if len(came) != 3 || len(came[1].Get("X-Trace-Info")) != 0 {
		t.Fatal(came)
	}
	told, _, err := osprofiler.UnpackTraceInfo(came[0].Get("X-Trace-Info")[0], came[0].Get("X-Trace-HMAC")[0], []string{"k"})
	if want := (osprofiler.TraceInfo{BaseID: "BASE-1", ParentID: parent}); err != nil || told != want {
		t.Errorf("want %+v, got %+v, %v", want, told, err)
	}
}

// grpcPair starts a server on the loopback and returns a connection to it.
func grpcPair(t *testing.T, health grpc_health_v1.HealthServer, options []otelgrpc.Option) *grpc.ClientConn {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler(options...)))
	grpc_health_v1.RegisterHealthServer(server, health)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(options...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
