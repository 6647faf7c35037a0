package otlp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// An httpConnection sends by OTel's client over a transport of ours.
type httpConnection struct {
	peer      peer
	client    otlptrace.Client
	transport *http.Transport
}

// newHTTP makes the connection. It does not connect.
func newHTTP(t *target) (connection, error) {
	h := &httpConnection{peer: newPeer(t), transport: newTransport(t)}
	u := url.URL{Scheme: "http", Host: t.host, Path: t.path}
	if t.withTLS {
		u.Scheme = "https"
	}
	compression := otlptracehttp.NoCompression
	if t.gzip {
		compression = otlptracehttp.GzipCompression
	}
	client := &http.Client{
		Transport:     noticeReply{h.transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // headers with secrets go to this host only
	}
	h.client = otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithURLPath(t.path), otlptracehttp.WithHTTPClient(client),
		otlptracehttp.WithHeaders(t.headers), otlptracehttp.WithCompression(compression), otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf),
		otlptracehttp.WithTLSClientConfig(nil), otlptracehttp.WithMaxRequestSize(0), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	return h, h.client.Start(context.Background())
}

func newTransport(t *target) *http.Transport {
	dialer := &net.Dialer{Timeout: min(t.timeout, dialTimeout), KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: t.tlsOf(), TLSHandshakeTimeout: min(t.timeout, dialTimeout),
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: 60 * time.Second, ExpectContinueTimeout: time.Second,
	}
}

func (h *httpConnection) name() string { return h.peer.Name }

func (h *httpConnection) close() error {
	err := h.client.Stop(context.Background())
	h.transport.CloseIdleConnections()
	return err
}

// A reply is what the transport saw of one request.
type reply struct {
	err    error
	status int // 0 if there is no answer
	header http.Header
	body   []byte
}

type replyKey struct{}

// maxReply is the largest number of bytes that are read of an answer.
const maxReply = 64 << 10

// noticeReply keeps the answer, because OTel's client does not return it, and passes an
// answer without a body to the client.
type noticeReply struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (n noticeReply) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(r)
	noticed, ok := r.Context().Value(replyKey{}).(*reply)
	if !ok {
		return response, err
	}
	noticed.err = err
	if err != nil {
		return response, err
	}
	noticed.status, noticed.header = response.StatusCode, response.Header
	noticed.body, noticed.err = io.ReadAll(io.LimitReader(response.Body, maxReply))
	_ = response.Body.Close()
	response.Body, response.ContentLength = http.NoBody, 0
	return response, nil
}

// upload implements connection.
func (h *httpConnection) upload(ctx context.Context, spans []*tracepb.ResourceSpans) (answer, error) {
	noticed := &reply{}
	err := h.client.UploadTraces(context.WithValue(ctx, replyKey{}, noticed), spans)
	switch {
	case noticed.status == 0:
		return answer{}, h.noReply(ctx, errors.Join(noticed.err, err))
	case noticed.status/100 == 2:
		return h.taken(noticed)
	}
	status := strings.TrimSpace(strconv.Itoa(noticed.status) + " " + http.StatusText(noticed.status))
	if to := noticed.header.Get("Location"); noticed.status/100 == 3 && to != "" {
		return answer{}, newFailure(serverstate.Stays, false, 0, explained.New(err, "%s answers with a redirect to %q (%s), which is not followed, because headers go to this host only; the connection string should name that target",
			h.peer.Name, h.peer.safe(to), status))
	}
	if neterr.AsksForTLS(noticed.status, string(noticed.body)) {
		return answer{}, newFailure(serverstate.Stays, false, 0, explained.New(err, "%s speaks TLS; the connection string should start with otlp+https://", h.peer.Name))
	}
	return answer{}, h.peer.refused(answered{
		classOfStatus(noticed.status), noticed.status == http.StatusRequestEntityTooLarge, retryAfter(noticed.header),
		strconv.Itoa(noticed.status), status, noticed.reason(),
	}, err)
}

// noReply returns the failure of a request without an answer.
func (h *httpConnection) noReply(ctx context.Context, err error) error {
	if strings.Contains(err.Error(), `malformed HTTP response "\x00\x00`) { // a frame of HTTP/2
		return newFailure(serverstate.Stays, false, 0, explained.New(err, "%s does not speak HTTP/1; for OTLP by gRPC, the connection string should start with otlp+grpc://", h.peer.Name))
	}
	if strings.Contains(err.Error(), "readLoopPeekFailLocked: %!w(<nil>)") { // net/http's error for bytes that it did not ask for
		return newFailure(serverstate.Unknown, false, 0, explained.New(err, "%s sends before it is asked, as gRPC servers do; for OTLP by gRPC, the connection string should start with otlp+grpc://", h.peer.Name))
	}
	if failed := h.peer.ofConnection(ctx, err); failed != nil {
		return failed
	}
	return newFailure(serverstate.Stays, false, 0, explained.New(err, "cannot send to %s: %s", h.peer.Name, h.peer.safe(err.Error())))
}

// taken reads the answer of a target that took the request.
func (h *httpConnection) taken(noticed *reply) (answer, error) {
	response := &coltracepb.ExportTraceServiceResponse{}
	var err error
	switch kind := noticed.contentType(); {
	case len(bytes.TrimSpace(noticed.body)) == 0, noticed.err != nil: // it took the request; the answer was cut off
	case kind == "application/x-protobuf":
		err = proto.Unmarshal(noticed.body, response)
	case kind == "application/json":
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(noticed.body, response)
	case kind == "text/html":
		err = errors.New("it answers with a web page")
	}
	if err != nil {
		return answer{}, newFailure(serverstate.Stays, false, 0, explained.New(err, "%s does not answer as a target for OTLP does: %s", h.peer.Name, h.peer.safe(err.Error())))
	}
	partial := response.GetPartialSuccess()
	return answer{partial.GetRejectedSpans(), partial.GetErrorMessage()}, nil
}

func (r *reply) contentType() string {
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// reason returns the message of an answer that refuses a request. OTLP's answer is a
// Status; others are taken as text.
func (r *reply) reason() string {
	var told statuspb.Status
	switch r.contentType() {
	case "application/x-protobuf":
		if proto.Unmarshal(r.body, &told) == nil {
			return told.GetMessage()
		}
	case "application/json":
		if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(r.body, &told) == nil && told.GetMessage() != "" {
			return told.GetMessage()
		}
	case "text/html":
		return "it answers with a web page"
	}
	return string(r.body)
}

func (h *httpConnection) describe() *peer { return &h.peer }
