package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// otlpEnvironment names the variable that makes this command a process of the OTLP
// rows. It holds an otlpWork as JSON.
const otlpEnvironment = "OSP_BENCH_OTLP"

// An otlpWork is the work of the process.
type otlpWork struct {
	How      string // "serve" or "copy"
	From, To string // connection strings of "copy"
}

// otlpAddresses are the addresses at which the discarding server listens.
type otlpAddresses struct{ GRPC, HTTP string }

// spanCounter is a server of OTLP that keeps only two numbers: that of all spans, and that
// of the spans whose duration equals the duration in their notifications.
type spanCounter struct {
	collector.UnimplementedTraceServiceServer
	spans, exact atomic.Int64
}

// An arrival holds the numbers that a spanCounter has counted.
type arrival struct{ Spans, Exact int64 }

// Export implements collector.TraceServiceServer.
func (c *spanCounter) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans.Add(int64(len(scope.GetSpans())))
			for _, s := range scope.GetSpans() {
				if s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano() == uint64(halvesTook) {
					c.exact.Add(1)
				}
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// ServeHTTP takes spans by OTLP/HTTP.
func (c *spanCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	request := &collector.ExportTraceServiceRequest{}
	if err := errors.Join(err, proto.Unmarshal(body, request)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = c.Export(r.Context(), request) // it never fails
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// serveOTLP discards spans until the input ends. It prints its addresses at the
// beginning and an arrival at the end.
func serveOTLP(ctx context.Context) error {
	var at [2]net.Listener
	for i := range at {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		at[i] = listener
	}
	counter := &spanCounter{}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, counter)
	go func() { _ = server.Serve(at[0]) }()
	go func() { _ = http.Serve(at[1], counter) }() //nolint:gosec // our own clients need no time limit
	output := json.NewEncoder(os.Stdout)
	if err := output.Encode(otlpAddresses{at[0].Addr().String(), at[1].Addr().String()}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return output.Encode(arrival{counter.spans.Load(), counter.exact.Load()})
}

// startOTLPServer runs this command again as the discarding server. stop ends it and
// returns which spans it got.
func startOTLPServer(ctx context.Context) (at otlpAddresses, stop func() (arrival, error), err error) {
	self, err := os.Executable()
	if err != nil {
		return at, nil, err
	}
	cmd := exec.CommandContext(ctx, self) //nolint:gosec // this very command
	cmd.Env = append(os.Environ(), otlpEnvironment+`={"How":"serve"}`)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return at, nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return at, nil, err
	}
	if err := cmd.Start(); err != nil {
		return at, nil, err
	}
	answers := json.NewDecoder(output)
	stop = func() (got arrival, err error) {
		err = errors.Join(input.Close(), answers.Decode(&got))
		return got, errors.Join(err, cmd.Wait())
	}
	if err := answers.Decode(&at); err != nil {
		_, other := stop()
		return at, nil, fmt.Errorf("the discarding server did not start: %w", errors.Join(err, other))
	}
	return at, stop, nil
}
