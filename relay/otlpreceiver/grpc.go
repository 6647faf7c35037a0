package otlpreceiver

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // the compression of OTLP clients
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	// traceService is the name of the collector's trace service.
	traceService = "opentelemetry.proto.collector.trace.v1.TraceService"

	handshakeTimeout = 10 * time.Second
	pingTime         = 30 * time.Second
	pingTimeout      = 20 * time.Second
	clientPingTime   = 5 * time.Second // the shortest time between two pings of a client
)

// grpcServer serves OTLP/gRPC.
type grpcServer struct {
	receiver *Receiver
	server   *grpc.Server
}

func newGRPCServer(r *Receiver) *grpcServer {
	s := &grpcServer{receiver: r}
	opts := []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(r.maxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeader),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(window),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: r.idleTimeout, Time: pingTime, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: clientPingTime, PermitWithoutStream: true}),
	}
	if r.tls != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(r.tls)))
	}
	s.server = grpc.NewServer(opts...)
	// Export is registered as a stream of one message, which is the same on the wire as a
	// unary call. So the memory for the message is reserved before it is read, and the
	// message is decoded span by span.
	s.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: traceService,
		HandlerType: (*any)(nil),
		Streams:     []grpc.StreamDesc{{StreamName: "Export", Handler: s.handle, ClientStreams: true}},
		Metadata:    "opentelemetry/proto/collector/trace/v1/trace_service.proto",
	}, s)
	return s
}

func (s *grpcServer) serve(l net.Listener) error { return s.server.Serve(l) }

func (s *grpcServer) stop(ctx context.Context) {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.server.GracefulStop()
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
		s.server.Stop()
		<-stopped
	}
}

// handle answers one call of Export.
func (s *grpcServer) handle(_ any, stream grpc.ServerStream) error {
	r, ctx := s.receiver, stream.Context()
	headers, _ := metadata.FromIncomingContext(ctx)
	if !r.authorized(headers.Get("authorization")) {
		return s.failure(ctx, unauthorized())
	}
	a, f := r.admit(ctx, clientOf(ctx))
	if f != nil {
		return s.failure(ctx, f)
	}
	defer a.leave()
	if f := a.reserve(ctx, r.maxMessage); f != nil {
		return s.failure(ctx, f)
	}
	body, err := s.receive(stream, a)
	if err != nil {
		return s.refused(ctx, err)
	}
	response, f := r.export(ctx, a, body, protobufFormat)
	if f != nil {
		return s.failure(ctx, f)
	}
	return stream.SendMsg(response)
}

// receive reads the message of a call, within the time of osp_read_timeout. A read that
// takes longer ends when the call is answered.
func (s *grpcServer) receive(stream grpc.ServerStream, a *admission) ([]byte, error) {
	type result struct {
		body []byte
		err  error
	}
	results := make(chan result, 1)
	go func() {
		var body []byte
		err := stream.RecvMsg(&body)
		results <- result{body, err}
	}()
	timer := time.NewTimer(s.receiver.readTimeout)
	defer timer.Stop()
	ended := make(chan struct{})
	defer a.hurry(nil, func() { close(ended) })()
	select {
	case got := <-results:
		return got.body, got.err
	case <-timer.C:
		return nil, slow(s.receiver.readTimeout)
	case <-ended:
		return nil, hurried()
	case <-s.receiver.closing.Done():
		return nil, unavailable(errClosed.Error())
	}
}

// refused answers a call whose message was not read. If the message is too large, package
// grpc has answered already.
func (s *grpcServer) refused(ctx context.Context, err error) error {
	var f *failure
	switch {
	case errors.As(err, &f):
	case errors.Is(err, io.EOF):
		f = malformed("the call has no message")
	case status.Code(err) == codes.ResourceExhausted:
		f = tooLarge(s.receiver.maxMessage)
	default: // the client has gone, or does not speak gRPC
		s.receiver.failed(malformed("%v", err), clientOf(ctx))
		return err
	}
	return s.failure(ctx, f)
}

// failure counts a failure and returns it as gRPC sends it.
func (s *grpcServer) failure(ctx context.Context, f *failure) error {
	s.receiver.failed(f, clientOf(ctx))
	return f.status().Err()
}

func clientOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return "unknown"
}
