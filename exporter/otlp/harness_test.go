package otlp_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A collector is a strict OTLP server by gRPC and by HTTP. It refuses what the OTLP
// specification does not allow.
type collector struct {
	coltracepb.UnimplementedTraceServiceServer

	// answer, if it is not nil, decides about a request. Its error is a status of gRPC
	// or an *httpAnswer.
	answer func(*coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTracePartialSuccess, error)

	discard bool // takes everything and keeps nothing

	mu       sync.Mutex
	requests []*coltracepb.ExportTraceServiceRequest // those that were taken
	sizes    []int                                   // of all requests in bytes
	headers  []map[string]string
	path     string
	encoding string
}

// An httpAnswer is an answer of HTTP that refuses a request.
type httpAnswer struct {
	status      int
	header      http.Header
	contentType string
	body        string
}

func (a *httpAnswer) Error() string { return a.body }

// take checks and keeps a request.
func (c *collector) take(r *coltracepb.ExportTraceServiceRequest, headers map[string]string) (*coltracepb.ExportTraceServiceResponse, error) {
	if c.discard {
		return &coltracepb.ExportTraceServiceResponse{}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sizes, c.headers = append(c.sizes, proto.Size(r)), append(c.headers, headers)
	if err := check(r); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	response := &coltracepb.ExportTraceServiceResponse{}
	if c.answer != nil {
		partial, err := c.answer(r)
		if err != nil {
			return nil, err
		}
		response.PartialSuccess = partial
	}
	c.requests = append(c.requests, r)
	return response, nil
}

// check returns what is wrong with a request.
func check(r *coltracepb.ExportTraceServiceRequest) error {
	if len(r.ProtoReflect().GetUnknown()) > 0 {
		return errors.New("the request has unknown fields")
	}
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			if len(ss.GetSpans()) == 0 {
				return errors.New("a scope has no spans")
			}
			for _, s := range ss.GetSpans() {
				if len(s.GetTraceId()) != 16 || len(s.GetSpanId()) != 8 || len(s.GetParentSpanId()) != 0 && len(s.GetParentSpanId()) != 8 || len(s.ProtoReflect().GetUnknown()) > 0 {
					return fmt.Errorf("a span is malformed: %v", s)
				}
			}
		}
	}
	return nil
}

// Export implements the service.
func (c *collector) Export(ctx context.Context, r *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	headers := map[string]string{}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		headers[name] = strings.Join(values, ",")
	}
	return c.take(r, headers)
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers := map[string]string{}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	c.mu.Lock()
	c.path, c.encoding = r.URL.Path, r.Header.Get("Content-Encoding")
	c.mu.Unlock()
	request := &coltracepb.ExportTraceServiceRequest{}
	if err := decode(r, request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := c.take(request, headers)
	var refused *httpAnswer
	switch {
	case errors.As(err, &refused):
		for name, values := range refused.header {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", refused.contentType)
		w.WriteHeader(refused.status)
		_, _ = io.WriteString(w, refused.body)
		return
	case err != nil:
		body, _ := proto.Marshal(status.Convert(err).Proto())
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(body)
		return
	}
	body, _ := proto.Marshal(response)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(body)
}

func decode(r *http.Request, to proto.Message) error {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s with %s", r.Method, r.Header.Get("Content-Type"))
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			return err
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return proto.Unmarshal(text, to)
}

// spans returns the spans that were taken, in their order.
func (c *collector) spans() (all []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		for _, rs := range r.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				all = append(all, ss.GetSpans()...)
			}
		}
	}
	return all
}

// overGRPC serves by gRPC and returns host:port.
func (c *collector) overGRPC(t testing.TB, config *tls.Config, options ...grpc.ServerOption) string {
	t.Helper()
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	return c.listenGRPC(t, "127.0.0.1:0", options...)
}

func (c *collector) listenGRPC(t testing.TB, address string, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	coltracepb.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// overHTTP serves by HTTP and returns host:port.
func (c *collector) overHTTP(t testing.TB, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(c)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if config != nil {
		server.TLS = config
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
