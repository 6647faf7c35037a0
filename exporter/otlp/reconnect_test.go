package otlp_test

import (
	"net"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// A request that begins while another request connects uses the same connection.
func TestReconnectOfTwo(t *testing.T) {
	address := freeAddress(t)
	e := open(t, "otlp+grpc://"+address+"?osp_timeout=30", once())
	if err := e.ExportSpans(t.Context(), numbered(1, 0)); err == nil {
		t.Fatal("nobody listens, and there is no error")
	}
	l, err := net.Listen("tcp", address) // it takes connections, and says nothing yet
	if err != nil {
		t.Skip(err)
	}
	server := grpc.NewServer()
	coltracepb.RegisterTraceServiceServer(server, &collector{})
	defer server.Stop()
	begin := time.Now()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if err := e.ExportSpans(t.Context(), numbered(1, 0)); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(200 * time.Millisecond)
	}
	go func() { _ = server.Serve(l) }()
	group.Wait()
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}
