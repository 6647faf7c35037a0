package bridge

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/tags"
)

// NewTransport returns a transport for a Go client that does what the Python library's tracing
// of requests does. A request in a context with a recorded trace is an operation named http or
// https, with [Requests] as its info. Its stop has the status code. Other requests are no
// operations. The propagator injects its headers into all requests.
//
// The operation stops when the body of the response is closed, or read to its end or to an
// error, as otelhttp's spans do. (In the Python library it stops before the body arrives.) If
// the body is never closed, which leaks the connection, the operation never stops. The
// operation fails if the request fails or the body cannot be read. No status makes the
// operation fail, as in the Python library.
//
// A nil base selects [http.DefaultTransport]. The caller's request is not modified.
func NewTransport(base http.RoundTripper, opts ...HTTPOption) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base, newHTTPConfig(opts)}
}

type transport struct {
	base http.RoundTripper
	httpConfig
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	sc := trace.SpanContextFromContext(ctx)
	if r.URL == nil || !sc.HasTraceID() || !sc.IsSampled() {
		return t.base.RoundTrip(t.withHeaders(r))
	}
	ctx, operation := t.profiler.StartHTTPClient(ctx, r)
	res, err := t.base.RoundTrip(t.withHeaders(r.WithContext(ctx)))
	if err == nil && res == nil {
		err = errors.New("the base transport returned neither a response nor an error")
	}
	if err != nil {
		operation.StopError(err, "")
		return res, err
	}
	if res.Body == nil || res.Body == http.NoBody {
		operation.StopStatus(res.StatusCode)
		return res, nil
	}
	res.Body = newBody(res.Body, operation, res.StatusCode)
	return res, nil
}

// withHeaders returns a copy of the request with the headers for its context.
func (t *transport) withHeaders(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	if r.Header == nil {
		r.Header = http.Header{}
	}
	t.propagator.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
	return r
}

// CloseIdleConnections calls the base's method. http.Client calls it.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// A body is a response's body that stops the operation when the body ends.
type body struct {
	io.ReadCloser
	operation *Operation
	status    int
}

// newBody returns a body. The body of a switched protocol remains writable.
func newBody(of io.ReadCloser, operation *Operation, status int) io.ReadCloser {
	b := &body{of, operation, status}
	if w, ok := of.(io.Writer); ok {
		return struct {
			*body
			io.Writer
		}{b, w}
	}
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch err { // the contract of io.Reader forbids wrapping io.EOF
	case nil:
	case io.EOF:
		b.operation.StopStatus(b.status)
	default:
		b.operation.StopError(err, StatusCode(b.status))
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.operation.StopStatus(b.status)
	return b.ReadCloser.Close()
}

// clientRequest returns the info's member requests for an outgoing request.
func clientRequest(r *http.Request) tags.ClientRequest {
	u, method := urlOf(r), r.Method
	if method == "" {
		method = http.MethodGet
	}
	scheme, path := strings.ToLower(u.Scheme), u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return tags.ClientRequest{
		Method: method, Path: path, Query: u.RawQuery, Scheme: scheme,
		Hostname: strings.ToLower(u.Hostname()), Port: portOf(scheme, u.Port()),
	}
}

// portOf returns the number of a port. If the text is no port, it returns the scheme's default
// port, or 0 if the scheme has none.
func portOf(scheme, port string) uint16 {
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && n != 0 {
		return uint16(n)
	}
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}
