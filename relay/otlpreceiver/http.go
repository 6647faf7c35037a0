package otlpreceiver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"

	maxHeader     = 16 << 10
	headerTimeout = 10 * time.Second
	answerTimeout = 10 * time.Second // for the client to read an answer
	// maxStreams is the number of requests at once on one connection of HTTP/2.
	maxStreams = 32
	// window is how many bytes of requests on one connection of HTTP/2 are received
	// before their memory is reserved.
	window = 256 << 10
)

// httpServer serves OTLP/HTTP.
type httpServer struct {
	receiver *Receiver
	server   *http.Server
}

func newHTTPServer(r *Receiver) *httpServer {
	s := &httpServer{receiver: r}
	s.server = &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		TLSConfig:         r.tls,
		ReadHeaderTimeout: min(headerTimeout, r.readTimeout),
		ReadTimeout:       r.wait + r.readTimeout,
		WriteTimeout:      2*r.wait + r.readTimeout + answerTimeout,
		IdleTimeout:       r.idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerConnection: window, MaxReceiveBufferPerStream: window,
			SendPingTimeout: pingTime, PingTimeout: pingTimeout,
		},
		ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}
	return s
}

func (s *httpServer) serve(l net.Listener) error {
	serve := func() error { return s.server.Serve(l) }
	if s.server.TLSConfig != nil {
		serve = func() error { return s.server.ServeTLS(l, "", "") }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *httpServer) stop(ctx context.Context) {
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
}

// handle answers a request. The checks that need no body come first.
func (s *httpServer) handle(w http.ResponseWriter, req *http.Request) {
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	answer := answerer{ResponseWriter: w, json: kind != protobufType}
	r := s.receiver
	f := s.check(w, req, kind)
	if f == nil {
		if f = s.export(answer, req, kind); f == nil {
			return
		}
	}
	r.failed(f, req.RemoteAddr)
	s.drain(w, req, f)
	answer.failure(f)
}

// export answers a request whose headers were accepted, or returns a failure.
func (s *httpServer) export(answer answerer, req *http.Request, kind string) *failure {
	r, ctx := s.receiver, req.Context()
	if req.ProtoMajor == 1 {
		// The context ends when the client has closed its side of the connection. The request
		// is complete then, and the client may still wait for the answer.
		ctx = context.WithoutCancel(ctx)
	}
	a, f := r.admit(ctx, req.RemoteAddr)
	if f != nil {
		return f
	}
	defer a.leave()
	body, f := a.read(ctx, answer.ResponseWriter, req)
	if f != nil {
		return f
	}
	in := protobufFormat
	if kind == jsonType {
		in = jsonFormat
	}
	response, f := r.export(ctx, a, body, in)
	if f == nil {
		answer.success(response)
	}
	return f
}

// The limits of drain.
const (
	drainFactor = 4 // times the size of the largest request
	drainTime   = 5 * time.Second
)

// drain reads and discards the rest of a refused request from a client of HTTP/1. Otherwise
// the connection would be reset, and most clients would not see the answer. A client that
// waits for "100 Continue" sends nothing before the answer.
func (s *httpServer) drain(w http.ResponseWriter, req *http.Request, f *failure) {
	most := drainFactor * int64(s.receiver.maxMessage)
	if f.http == http.StatusServiceUnavailable || req.ProtoMajor != 1 || req.ContentLength > most || req.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(min(drainTime, s.receiver.readTimeout)))
	_, _ = io.CopyN(io.Discard, req.Body, most) // the answer says why the request is refused
}

// check refuses a request by its request line and its headers.
func (s *httpServer) check(w http.ResponseWriter, req *http.Request, kind string) *failure {
	r := s.receiver
	switch encoding := strings.ToLower(req.Header.Get("Content-Encoding")); {
	case req.URL.Path != r.path:
		return &failure{http: http.StatusNotFound, grpc: codes.Unimplemented, text: "only traces are received here, at " + r.path}
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return &failure{http: http.StatusMethodNotAllowed, grpc: codes.Unimplemented, text: "the method should be POST"}
	case !r.authorized(req.Header.Values("Authorization")):
		w.Header().Set("WWW-Authenticate", "Bearer")
		return unauthorized()
	case kind != protobufType && kind != jsonType:
		return unsupported("the Content-Type should be " + protobufType + " or " + jsonType)
	case encoding != "" && encoding != "identity" && encoding != "gzip":
		w.Header().Set("Accept-Encoding", "gzip")
		return unsupported("the Content-Encoding should be gzip, or there should be none")
	case req.ContentLength > int64(r.maxMessage):
		return tooLarge(r.maxMessage)
	}
	return nil
}

func unsupported(text string) *failure {
	return &failure{http: http.StatusUnsupportedMediaType, grpc: codes.InvalidArgument, text: text}
}
