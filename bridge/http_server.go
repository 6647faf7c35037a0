package bridge

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/felixge/httpsnoop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/tags"
)

// NewHandler returns a middleware for a Go service that does what the Python library's
// WsgiMiddleware does. A request whose headers one of the keys signed is served as an
// operation named wsgi. Any other request is served untraced. No request is refused.
//
// The info of the operation is [Request]. A status of 500 and above makes the operation fail.
// So does a panic, which is then raised again. The span has the status code. It has a link if
// the request also named another span.
//
// The context of the request that next serves has the values that the propagator extracted,
// whether the request is traced or not. A handler inside otelhttp's handler does not need this
// middleware, because [NewPropagators] is enough there.
func NewHandler(next http.Handler, opts ...HTTPOption) http.Handler {
	return &handler{next, newHTTPConfig(opts)}
}

type handler struct {
	next http.Handler
	httpConfig
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := h.extract(r)
	if !Trusted(ctx) {
		h.serve(w, r, ctx)
		return
	}
	var links []trace.Link
	if link, ok := linkOf(ctx, trace.SpanContextFromContext(ctx).TraceID()); ok {
		links = append(links, link)
	}
	ctx, operation := h.profiler.startServer(ctx, r, links)
	response := response{status: http.StatusOK}
	defer func() {
		if cause := recover(); cause != nil {
			operation.StopError(panicError{cause}, "")
			panic(cause)
		}
		operation.StopStatus(response.status)
	}()
	h.serve(response.wrap(w), r, ctx)
}

// extract returns the context with the values that the propagator extracts. If another
// propagator has replaced the caller after its signature was verified, extract makes the
// verified caller the remote caller again. The other caller becomes a link.
func (h *handler) extract(r *http.Request) context.Context {
	ctx := h.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	if t := replacedCaller(ctx); t != nil && t != trustedTraceOf(r.Context()) {
		return withCaller(ctx, t.info, t.key, trace.SpanContextFromContext(ctx))
	}
	return ctx
}

// serve calls next with the request in the context.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, ctx context.Context) { //nolint:revive // r comes with w
	inner := r.WithContext(ctx)
	defer func() { // net/http removes the files only for the form of its own request
		if inner.MultipartForm != nil {
			r.MultipartForm = inner.MultipartForm
		}
	}()
	h.next.ServeHTTP(w, inner)
}

// A response records the status that a handler sets. It is 200 by default, and 0 if the
// handler hijacked the connection.
type response struct {
	status  int
	decided bool
}

func (r *response) decide(status int) {
	if !r.decided && (status >= 200 || status == http.StatusSwitchingProtocols || status == 0) {
		r.status, r.decided = status, true
	}
}

// wrap returns a writer that records the status. It implements the same interfaces as w.
func (r *response) wrap(w http.ResponseWriter) http.ResponseWriter {
	return httpsnoop.Wrap(w, httpsnoop.Hooks{
		WriteHeader: func(writeHeader httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
			return func(status int) {
				writeHeader(status)
				r.decide(status)
			}
		},
		Write: func(write httpsnoop.WriteFunc) httpsnoop.WriteFunc {
			return func(b []byte) (int, error) {
				r.decide(http.StatusOK)
				return write(b)
			}
		},
		ReadFrom: func(readFrom httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
			return func(src io.Reader) (int64, error) {
				r.decide(http.StatusOK)
				return readFrom(src)
			}
		},
		Flush: func(flush httpsnoop.FlushFunc) httpsnoop.FlushFunc {
			return func() {
				r.decide(http.StatusOK)
				flush()
			}
		},
		Hijack: func(hijack httpsnoop.HijackFunc) httpsnoop.HijackFunc {
			return func() (net.Conn, *bufio.ReadWriter, error) {
				r.decide(0)
				return hijack()
			}
		},
	})
}

// serverRequest returns the info's member request for an incoming request.
func serverRequest(r *http.Request) tags.ServerRequest {
	u := urlOf(r)
	path, query := u.EscapedPath(), u.RawQuery
	if r.RequestURI != "" {
		path, query, _ = strings.Cut(r.RequestURI, "?")
		if scheme, rest, ok := strings.Cut(path, "://"); ok && scheme != "" && path[0] != '/' { // a request to a proxy
			_, after, _ := strings.Cut(rest, "/")
			path = "/" + after
		}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return tags.ServerRequest{Method: r.Method, Path: path, Query: query, Scheme: scheme}
}

// urlOf returns the request's URL, or an empty one.
func urlOf(r *http.Request) *url.URL {
	if r.URL == nil {
		return &url.URL{}
	}
	return r.URL
}
