package bridge

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/felixge/httpsnoop"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// NewHandler returns the middleware that does for a Go service what upstream's
// WsgiMiddleware does for a Python one: a request whose headers one of the keys
// signed is served as an operation named wsgi, any other is served untraced.
// No request is ever refused.
//
// The operation's info is [Request]. A status of 500 and above, and a panic,
// which goes on, make it a failed one. The span has the status code, and a link
// where the request named another span besides.
//
// A nil p stands for NewProfiler(), a nil prop for [NewPropagators] with the
// keys of p. Next gets whatever prop finds in the request, traced or not. A
// handler that is inside otelhttp's needs none of this: there the propagator
// alone does it, see [NewPropagators].
func NewHandler(next http.Handler, p *Profiler, prop propagation.TextMapPropagator) http.Handler {
	p, prop = orDefault(p, prop)
	return &handler{next, p, prop}
}

func orDefault(p *Profiler, prop propagation.TextMapPropagator) (*Profiler, propagation.TextMapPropagator) {
	if p == nil {
		p = NewProfiler()
	}
	if prop == nil {
		prop = NewPropagators(p.keys)
	}
	return p, prop
}

type handler struct {
	next     http.Handler
	profiler *Profiler
	prop     propagation.TextMapPropagator
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := h.prop.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	if !Trusted(ctx) {
		h.serve(w, r, ctx)
		return
	}
	var opts []trace.SpanStartOption
	if link, ok := linkOf(ctx, trace.SpanContextFromContext(ctx).TraceID()); ok {
		opts = append(opts, trace.WithLinks(link))
	}
	ctx, operation := h.profiler.start(ctx, "wsgi", Request(r), opts...)
	response := response{status: http.StatusOK}
	defer func() {
		if cause := recover(); cause != nil {
			operation.StopError(panicError{cause}, "")
			panic(cause)
		}
		response.stop(operation)
	}()
	h.serve(response.wrap(w), r, ctx)
}

// serve lets next serve the request in the context.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, ctx context.Context) { //nolint:revive // r comes with w
	inner := r.WithContext(ctx)
	defer func() { // net/http removes the files of the form that it finds in its own request
		if inner.MultipartForm != nil {
			r.MultipartForm = inner.MultipartForm
		}
	}()
	h.next.ServeHTTP(w, inner)
}

// response is what a handler answers: the status that it sets, or 200, or 0 if
// it took the connection over.
type response struct {
	status  int
	decided bool
}

func (r *response) decide(status int) {
	if !r.decided && (status >= 200 || status == http.StatusSwitchingProtocols || status == 0) {
		r.status, r.decided = status, true
	}
}

// wrap watches what the handler does with w, which keeps its other abilities.
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

// stop stops the operation with what the response tells.
func (r *response) stop(operation *Operation) {
	if span := operation.Span(); span.IsRecording() && r.status != 0 {
		span.SetAttributes(statusAttributes(r.status, operation.conventions)...)
		if r.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(r.status))
			span.SetAttributes(attribute.String("error.type", strconv.Itoa(r.status)))
		}
	}
	operation.Stop("")
}

func statusAttributes(status int, c tags.Conventions) (attrs []attribute.KeyValue) {
	if c != tags.Old {
		attrs = append(attrs, attribute.Int("http.response.status_code", status))
	}
	if c != tags.Stable {
		attrs = append(attrs, attribute.Int("http.status_code", status))
	}
	return attrs
}

// Request is the info of the start of a request that is served: path, query,
// method and scheme. The path is the one that the client asked for, still
// encoded and whole, also behind an [http.StripPrefix]; the query is raw.
func Request(r *http.Request) osprofiler.Info {
	path, query := r.URL.EscapedPath(), r.URL.RawQuery
	if r.RequestURI != "" {
		path, query, _ = strings.Cut(r.RequestURI, "?")
		if scheme, rest, ok := strings.Cut(path, "://"); ok && scheme != "" && path[0] != '/' { // asked of a proxy
			_, after, _ := strings.Cut(rest, "/")
			path = "/" + after
		}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return infoOf("request", map[string]any{"path": path, "query": query, "method": r.Method, "scheme": scheme})
}
