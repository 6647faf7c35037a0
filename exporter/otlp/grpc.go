package otlp

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// A grpcConnection sends by OTel's client over a connection of ours.
type grpcConnection struct {
	peer   peer
	conn   *grpc.ClientConn
	client otlptrace.Client
	dialer *dialer
	failed atomic.Bool // the last request did not reach the target
}

// newGRPC makes the connection. It does not connect.
func newGRPC(t *target) (connection, error) {
	g := &grpcConnection{peer: newPeer(t), dialer: &dialer{timeout: min(t.timeout, dialTimeout)}}
	creds := insecure.NewCredentials()
	if c := t.tlsOf(); c != nil {
		creds, g.dialer.withTLS = &noticingTLS{credentials.NewTLS(c), g.dialer}, true
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds), grpc.WithContextDialer(g.dialer.dial), grpc.WithUserAgent(t.headers["user-agent"]),
		grpc.WithChainUnaryInterceptor(noticeAnswer), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: g.dialer.timeout}),
	}
	if t.gzip {
		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	delete(t.headers, "user-agent")
	var err error
	// The dialer resolves the name, so that its errors have their types.
	if g.conn, err = grpc.NewClient("passthrough:///"+t.host, options...); err != nil {
		return nil, err
	}
	g.client = otlptracegrpc.NewClient(otlptracegrpc.WithGRPCConn(g.conn), otlptracegrpc.WithHeaders(t.headers), otlptracegrpc.WithTimeout(0),
		otlptracegrpc.WithMaxRequestSize(0), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: false}))
	return g, g.client.Start(context.Background())
}

func (g *grpcConnection) name() string { return g.peer.Name }

func (g *grpcConnection) close() error {
	return errors.Join(g.client.Stop(context.Background()), g.conn.Close())
}

// A grpcAnswer is what the interceptor saw of one request.
type grpcAnswer struct {
	response *coltracepb.ExportTraceServiceResponse
	err      error
}

type grpcAnswerKey struct{}

// noticeAnswer keeps the answer, because OTel's client does not return it.
func noticeAnswer(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	if noticed, ok := ctx.Value(grpcAnswerKey{}).(*grpcAnswer); ok {
		noticed.err = err
		noticed.response, _ = reply.(*coltracepb.ExportTraceServiceResponse)
	}
	return err
}

// upload implements connection.
func (g *grpcConnection) upload(ctx context.Context, spans []*tracepb.ResourceSpans) (answer, error) {
	if g.failed.Load() {
		g.reconnect(ctx)
	}
	noticed := &grpcAnswer{}
	err := g.client.UploadTraces(context.WithValue(ctx, grpcAnswerKey{}, noticed), spans)
	if noticed.err == nil && noticed.response != nil {
		g.failed.Store(false)
		partial := noticed.response.GetPartialSuccess()
		return answer{partial.GetRejectedSpans(), partial.GetErrorMessage()}, nil
	}
	if noticed.err != nil {
		err = noticed.err
	}
	g.failed.Store(true)
	return answer{}, g.explain(ctx, err)
}

// reconnect connects now, because store.Retry has waited already. It returns when an
// attempt has failed or the connection can be used.
func (g *grpcConnection) reconnect(ctx context.Context) {
	if g.conn.GetState() == connectivity.Ready {
		return
	}
	attempt := g.dialer.attempt()
	g.conn.ResetConnectBackoff()
	g.conn.Connect()
	g.await(ctx, attempt)
	if ctx.Err() != nil || g.dialer.lastError() != nil {
		return
	}
	// The server has yet to speak HTTP/2.
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for state := g.conn.GetState(); state != connectivity.Ready && g.conn.WaitForStateChange(ctx, state); {
		state = g.conn.GetState()
	}
}

// await waits for the end of an attempt. The attempt may have begun before, for another
// request, so that the state of the connection counts too.
func (g *grpcConnection) await(ctx context.Context, attempt <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-attempt:
		case <-ctx.Done():
		}
	}()
	connecting := false
	for {
		state := g.conn.GetState()
		if state == connectivity.Ready || connecting && state == connectivity.TransientFailure {
			return
		}
		connecting = connecting || state == connectivity.Connecting
		if !g.conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// explain returns the failure of a request.
func (g *grpcConnection) explain(ctx context.Context, err error) error {
	s := status.Convert(err)
	dialed := g.dialer.lastError()
	if s.Code() == codes.Unavailable && dialed != nil || ctx.Err() != nil {
		if failed := g.peer.ofConnection(ctx, dialed); failed != nil {
			return failed
		}
	}
	switch text := s.Message(); {
	case s.Code() == codes.Unavailable && looksLikeHTTP1(text):
		return newFailure(serverstate.Stays, false, 0, explained.New(err, "%s does not speak gRPC; for OTLP by HTTP, the connection string should start with otlp+http://", g.peer.Name))
	case s.Code() == codes.Unavailable && isOfTransport(text):
		return newFailure(serverstate.Unknown, false, 0, explained.New(err, "the connection to %s was lost%s: %s", g.peer.Name, inBrackets(g.peer.Hint), g.peer.safe(withoutFrame(text))))
	}
	class, tooLarge, after := stateOf(s)
	return g.peer.refused(answered{class, tooLarge, after, s.Code().String(), s.Code().String(), s.Message()}, err)
}

// looksLikeHTTP1 recognizes an answer of a server that speaks HTTP/1 only.
func looksLikeHTTP1(text string) bool { return strings.Contains(text, "HTTP/1.1 header") }

// isOfTransport recognizes an error that gRPC itself makes.
func isOfTransport(text string) bool {
	return strings.HasPrefix(text, "connection error:") || strings.HasPrefix(text, "error reading from server:") || strings.HasPrefix(text, "transport is closing") ||
		strings.Contains(text, "error reading server preface") || strings.HasPrefix(text, "closing transport") || strings.HasPrefix(text, "keepalive ping failed")
}

// withoutFrame returns the reason in gRPC's text of an error of the connection.
func withoutFrame(text string) string {
	text = strings.TrimSuffix(strings.TrimPrefix(text, `connection error: desc = "`), `"`)
	return strings.TrimPrefix(text, "error reading server preface: ")
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func (g *grpcConnection) describe() *peer { return &g.peer }
