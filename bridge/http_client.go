package bridge

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// NewTransport returns the transport that does for a Go client what upstream's
// requests tracing does for a Python one. A request that is sent in a context
// with a recorded trace is an operation named http or https, with [Requests]
// as its info, and carries the headers of prop; the operation's stop has the
// status code. Other requests are no operations; they carry what prop has to
// say of their context.
//
// The operation stops when the response's body is closed, or read to its end or
// to an error, as otelhttp's spans do. (Upstream's stops before the body
// comes.) A body that is never closed, which leaks the connection, leaves it
// open. A request that fails is a failed operation, and so is a body that
// cannot be read; a response of any status is not, as upstream sees it.
//
// A nil base stands for [http.DefaultTransport], a nil p for NewProfiler(), a
// nil prop for [NewPropagators] with the keys of p. The caller's request is not
// modified.
func NewTransport(base http.RoundTripper, p *Profiler, prop propagation.TextMapPropagator) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	p, prop = orDefault(p, prop)
	return &transport{base, p, prop}
}

type transport struct {
	base     http.RoundTripper
	profiler *Profiler
	prop     propagation.TextMapPropagator
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	sc := trace.SpanContextFromContext(ctx)
	if r.URL == nil || !sc.HasTraceID() || !sc.IsSampled() {
		return t.base.RoundTrip(t.signed(r))
	}
	ctx, operation := t.profiler.Start(ctx, strings.ToLower(r.URL.Scheme), Requests(r))
	res, err := t.base.RoundTrip(t.signed(r.WithContext(ctx)))
	if err == nil && res == nil {
		err = errors.New("the base transport returned neither a response nor an error")
	}
	if err != nil {
		operation.StopError(err, "")
		return res, err
	}
	stop := infoOf("requests", map[string]any{"status_code": res.StatusCode})
	if res.Body == nil || res.Body == http.NoBody {
		operation.Stop(stop)
		return res, nil
	}
	res.Body = newBody(res.Body, operation, stop)
	return res, nil
}

// signed returns a copy of the request with the headers of its context.
func (t *transport) signed(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	if r.Header == nil {
		r.Header = http.Header{}
	}
	t.prop.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
	return r
}

// CloseIdleConnections lets http.Client's method of this name reach the base.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// body is a response's body that stops the operation at its end.
type body struct {
	io.ReadCloser
	operation *Operation
	stop      osprofiler.Info
}

// newBody keeps the body of a switched protocol writable.
func newBody(of io.ReadCloser, operation *Operation, stop osprofiler.Info) io.ReadCloser {
	b := &body{of, operation, stop}
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
	switch err { // io.EOF is never wrapped, by io.Reader's contract
	case nil:
	case io.EOF:
		b.operation.Stop(b.stop)
	default:
		b.operation.StopError(err, b.stop)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.operation.Stop(b.stop)
	return b.ReadCloser.Close()
}

// Requests is the info of the start of a request that is sent: method, query,
// path, hostname, port and scheme. Path and query are encoded, the host's name
// is in lower case; the port is the scheme's own where the URL has none, and
// empty where the scheme has none either.
func Requests(r *http.Request) osprofiler.Info {
	u, method := r.URL, r.Method
	if method == "" {
		method = http.MethodGet
	}
	scheme, path := strings.ToLower(u.Scheme), u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return infoOf("requests", map[string]any{
		"method": method, "query": u.RawQuery, "path": path,
		"hostname": strings.ToLower(u.Hostname()), "port": portOf(scheme, u.Port()), "scheme": scheme,
	})
}

func portOf(scheme, port string) any {
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && n != 0 {
		return n
	}
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return ""
}
