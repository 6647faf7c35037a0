package bridge

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// The names of the operations that OSProfiler's own tracing starts.
const (
	operationDB   = "db"
	operationRPC  = "rpc"
	operationWSGI = "wsgi"
)

// StartDB starts a database call named db. It is Start(ctx, "db",
// DB(statement, params...)) at a lower cost, because no info is written or
// parsed.
func (p *Profiler) StartDB(ctx context.Context, statement string, params ...any) (context.Context, *Operation) {
	var room [256]byte
	db := tags.DBCall{Statement: statement, Params: string(appendParams(room[:0], params))}
	attrs, exact := db.AppendAttributes(p.newAttributes(tags.DB), p.conventions)
	if !exact {
		return p.Start(ctx, operationDB, DB(statement, params...))
	}
	return p.startSpan(ctx, operationDB, tags.DB, attrs, nil)
}

// StartRPC starts the remote call of a method, named rpc. It is Start(ctx, "rpc",
// Function(method, args...)) at a lower cost.
func (p *Profiler) StartRPC(ctx context.Context, method string, args ...any) (context.Context, *Operation) {
	return p.StartFunction(ctx, operationRPC, method, args...)
}

// StartFunction starts an operation with this name for the call of a function. It is
// Start(ctx, name, Function(function, args...)) at a lower cost.
func (p *Profiler) StartFunction(ctx context.Context, name, function string, args ...any) (context.Context, *Operation) {
	call := tags.Function
	if name == operationRPC {
		call = tags.RPC
	}
	f := tags.FunctionCall{Name: function}
	if len(args) > 0 {
		f.Args = tuple(args)
	}
	attrs, exact := f.AppendAttributes(p.newAttributes(call), call, p.conventions)
	if !exact {
		return p.Start(ctx, name, Function(function, args...))
	}
	return p.startSpan(ctx, name, call, attrs, nil)
}

// StartHTTPServer starts an operation named wsgi for an incoming request. It is Start(ctx,
// "wsgi", Request(r)) at a lower cost. [NewHandler] calls it for each request that is traced.
func (p *Profiler) StartHTTPServer(ctx context.Context, r *http.Request) (context.Context, *Operation) {
	return p.startServer(ctx, r, nil)
}

func (p *Profiler) startServer(ctx context.Context, r *http.Request, links []trace.Link) (context.Context, *Operation) {
	attrs, exact := serverRequest(r).AppendAttributes(p.newAttributes(tags.HTTPServer), p.conventions)
	if !exact {
		return p.startInfo(ctx, operationWSGI, Request(r), links)
	}
	return p.startSpan(ctx, operationWSGI, tags.HTTPServer, attrs, links)
}

// StartHTTPClient starts an operation named http or https for an outgoing request. It is
// Start(ctx, scheme, Requests(r)) at a lower cost. [NewTransport] calls it for each request
// that is traced.
func (p *Profiler) StartHTTPClient(ctx context.Context, r *http.Request) (context.Context, *Operation) {
	request := clientRequest(r)
	attrs, exact := request.AppendAttributes(p.newAttributes(tags.HTTPClient), p.conventions)
	if !exact {
		return p.Start(ctx, request.Scheme, Requests(r))
	}
	return p.startSpan(ctx, request.Scheme, tags.HTTPClient, attrs, nil)
}

// StopResult stops the operation with its result as text. It is
// Stop(DBResult(value)) for a database call, and Stop(Result(value)) for any
// other operation.
func (o *Operation) StopResult(value any) {
	info := func() osprofiler.Info {
		if o.call == tags.DB {
			return DBResult(value)
		}
		return Result(value)
	}
	o.stopWith(info, func() ([]attribute.KeyValue, bool) {
		return tags.AppendResultAttributes(nil, o.call, textOf(value), o.profiler.conventions)
	})
}

// StopStatus stops the operation with the status code of the response.
//
// StopStatus is Stop(StatusCode(code)) unless the operation is that of an incoming request.
// For an incoming request, the span gets the status code, and a code of 500 and above makes
// the operation fail. A code of 0 means that there was no response.
func (o *Operation) StopStatus(code int) {
	if o.call == tags.HTTPServer {
		o.stopAnswer(code)
		return
	}
	o.stopWith(func() osprofiler.Info { return StatusCode(code) }, func() ([]attribute.KeyValue, bool) {
		if o.call != tags.HTTPClient {
			return nil, false
		}
		return tags.AppendStatusCodeAttributes(nil, code, o.profiler.conventions)
	})
}

// stopWith stops the operation with attributes, or with an info if the attributes
// do not represent it fully.
func (o *Operation) stopWith(info func() osprofiler.Info, attributes func() (attrs []attribute.KeyValue, exact bool)) {
	if !o.span.IsRecording() {
		o.Stop("")
		return
	}
	attrs, exact := attributes()
	if !exact {
		o.Stop(info())
		return
	}
	if !o.stopped.Swap(true) {
		o.end(attrs, info)
	}
}

func (o *Operation) stopAnswer(code int) {
	if !o.span.IsRecording() || code == 0 {
		o.Stop("")
		return
	}
	if o.stopped.Swap(true) {
		return
	}
	failed := code >= http.StatusInternalServerError
	if failed {
		o.span.SetStatus(codes.Error, http.StatusText(code))
	}
	o.end(statusAttributes(code, o.profiler.conventions), func() osprofiler.Info {
		if !failed {
			return ""
		}
		return tags.Failure{Type: strconv.Itoa(code), Message: http.StatusText(code)}.Info()
	})
}

func statusAttributes(code int, c tags.Conventions) (attrs []attribute.KeyValue) {
	if c != tags.Old {
		attrs = append(attrs, attribute.Int("http.response.status_code", code))
	}
	if c != tags.Stable {
		attrs = append(attrs, attribute.Int("http.status_code", code))
	}
	if code >= http.StatusInternalServerError {
		attrs = append(attrs, attribute.String("error.type", strconv.Itoa(code)))
	}
	return attrs
}
