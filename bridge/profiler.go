package bridge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Profiler is OSProfiler's start and stop for Go: each operation is a live
// OTel span of a TracerProvider, named and described as OSProfiler's own
// operations are, and its notifications, by any exporter of this project, have
// the ids that the Operation tells. It may be used by many goroutines.
type Profiler struct {
	tracer      trace.Tracer
	keys        *Keys
	conventions tags.Conventions
}

// A ProfilerOption changes how a Profiler works.
type ProfilerOption interface{ applyProfiler(*profilerConfig) }

type profilerConfig struct {
	provider    trace.TracerProvider
	keys        *Keys
	conventions tags.Conventions
}

type profilerOption func(*profilerConfig)

func (f profilerOption) applyProfiler(c *profilerConfig) { f(c) }

// WithTracerProvider sets where the spans come from; without it, it is OTel's
// global one.
func WithTracerProvider(provider trace.TracerProvider) ProfilerOption {
	return profilerOption(func(c *profilerConfig) { c.provider = provider })
}

// WithKeys sets the HMAC keys, of which the first signs the traces that
// [Profiler.Init] begins. Without keys these are recorded, and not passed on.
func WithKeys(keys *Keys) ProfilerOption {
	return profilerOption(func(c *profilerConfig) { c.keys = keys })
}

// WithConventions sets the semantic conventions of the spans' attributes;
// without it, they are what OTEL_SEMCONV_STABILITY_OPT_IN asks for.
func WithConventions(v tags.Conventions) ProfilerOption {
	return profilerOption(func(c *profilerConfig) { c.conventions = v })
}

// NewProfiler returns a Profiler.
func NewProfiler(opts ...ProfilerOption) *Profiler {
	cfg := profilerConfig{conventions: tags.ConventionsFromEnv()}
	for _, opt := range opts {
		opt.applyProfiler(&cfg)
	}
	if cfg.provider == nil {
		cfg.provider = otel.GetTracerProvider()
	}
	return &Profiler{
		tracer:      cfg.provider.Tracer(convert.ProfilerScopeName),
		keys:        cfg.keys,
		conventions: cfg.conventions,
	}
}

// Init begins a trace, as OSProfiler's profiler.init does: operations started
// in the returned context belong to it, are recorded by [NewSampler]'s sampler,
// and are passed on to other services, signed with the first key. An empty
// baseID stands for a new one, an empty parentID for none. Bytes that are no
// UTF-8 become U+FFFD, as they would in the notifications. Whatever trace the
// context had is left.
//
// A service does not call it for requests that it serves: there the trace
// comes, or does not come, with the request.
func (p *Profiler) Init(ctx context.Context, baseID, parentID string) context.Context {
	// Notifications and headers are JSON, which would spell other bytes anew.
	baseID, parentID = pyjson.Normal(baseID), pyjson.Normal(parentID)
	if baseID == "" {
		baseID = osprofiler.NewID()
	}
	if parentID == "" {
		parentID = baseID
	}
	key := ""
	if p.keys != nil {
		key = p.keys.first()
	}
	return withRemote(ctx, osprofiler.TraceInfo{BaseID: baseID, ParentID: parentID}, key)
}

// Start starts an operation within the current one and returns the context in
// which its own operations are to be started. The name is the operation's,
// without "-start"; info is what is known now, as JSON ([DB], [Function], … and
// [osprofiler.NewInfo] write it), and may be empty. The host is added by
// whoever writes the notification. Every Start wants a Stop.
func (p *Profiler) Start(ctx context.Context, name string, info osprofiler.Info) (context.Context, *Operation) {
	return p.start(ctx, name, info)
}

func (p *Profiler) start(ctx context.Context, name string, info osprofiler.Info, opts ...trace.SpanStartOption) (context.Context, *Operation) {
	info = wellFormed(info)
	call := tags.CallOfInfo(name, info)
	var room [12]attribute.KeyValue
	attrs, rest := tags.StartAttributes(room[:0], call, info, p.conventions)
	attrs = appendRest(attrs, convert.StartInfoKey, rest)
	parent := trace.SpanContextFromContext(ctx)
	opts = append(opts, trace.WithSpanKind(call.SpanKind()), trace.WithAttributes(attrs...))
	ctx, span := p.tracer.Start(ctx, name, opts...)
	return ctx, &Operation{span: span, parent: parent, call: call, conventions: p.conventions}
}

// wellFormed makes an info of whatever the caller gave for one: what is no JSON
// object is kept as text.
func wellFormed(info osprofiler.Info) osprofiler.Info {
	if info == "" || info.Validate() == nil {
		return info
	}
	if parsed, err := osprofiler.ParseInfo(string(info)); err == nil {
		return parsed
	}
	text, err := osprofiler.NewInfo(map[string]any{"info": strings.ToValidUTF8(string(info), "\uFFFD")})
	if err != nil {
		return ""
	}
	return text
}

// appendRest keeps what of an info no attribute says.
func appendRest(attrs []attribute.KeyValue, key attribute.Key, rest osprofiler.Info) []attribute.KeyValue {
	if rest = rest.Without("host"); len(rest) > len("{}") {
		attrs = append(attrs, key.String(string(rest)))
	}
	return attrs
}

// An Operation is started and not yet stopped. Its methods may be called by
// any goroutine; the first Stop counts.
type Operation struct {
	span        trace.Span
	parent      trace.SpanContext
	call        tags.Call
	conventions tags.Conventions
	stopped     atomic.Bool
}

// Stop stops the operation. Info is what has become known since the start; with
// etype and message in it the operation has failed. It may be empty.
func (o *Operation) Stop(info osprofiler.Info) {
	if o.stopped.Swap(true) {
		return
	}
	if !o.span.IsRecording() || info == "" {
		o.span.End()
		return
	}
	info = wellFormed(info)
	var room [4]attribute.KeyValue
	attrs, rest := tags.StopAttributes(room[:0], o.call, info, o.conventions)
	if failure, left, failed := tags.FailureOfInfo(rest); failed {
		rest = left
		o.fail(failure)
	}
	o.span.SetAttributes(appendRest(attrs, convert.StopInfoKey, rest)...)
	o.span.End()
}

// StopError stops the operation with an error, recorded as OSProfiler records
// an exception: etype is the error's Go type, message its text. A nil error
// makes it a Stop.
func (o *Operation) StopError(err error, info osprofiler.Info) {
	if err != nil && o.span.IsRecording() && !o.stopped.Load() {
		o.fail(tags.Failure{Type: typeOf(err), Message: err.Error()})
	}
	o.Stop(info)
}

func (o *Operation) fail(f tags.Failure) {
	status := f.Status()
	o.span.SetStatus(status.Code, status.Description)
	o.span.SetAttributes(f.Attributes(o.conventions)...)
	for _, e := range f.Events(time.Now(), o.conventions) {
		o.span.AddEvent(e.Name, trace.WithTimestamp(e.Time), trace.WithAttributes(e.Attributes...))
	}
}

// typeOf names an error's type as Go does: of one that only wraps another with
// text, that of what it wraps.
func typeOf(err error) string {
	for {
		name := fmt.Sprintf("%T", err)
		if name != "*fmt.wrapError" {
			return name
		}
		err = errors.Unwrap(err)
	}
}

// Span returns the operation's span, for whatever else OTel can say of it.
func (o *Operation) Span() trace.Span { return o.span }

// BaseID returns the base id of the trace, as its beginner wrote it.
func (o *Operation) BaseID() string { return baseIDOf(o.span.SpanContext()) }

// ID returns the operation's own id: OSProfiler's trace_id.
func (o *Operation) ID() string { return idOf(o.span.SpanContext()) }

// ParentID returns the id of the operation around this one, as its caller
// wrote it; directly under the trace it is the base id.
func (o *Operation) ParentID() string {
	if !o.parent.HasSpanID() || o.parent.TraceID() != o.span.SpanContext().TraceID() {
		return o.BaseID()
	}
	return idOf(o.parent)
}

// ShortID returns the operation's short id as upstream's get_shorten_id writes
// it: the low 64 bits, in hexadecimal, without leading zeros.
func (o *Operation) ShortID() string {
	n := uint64(0)
	for _, b := range osprofiler.SpanIDOf(o.ID()) {
		n = n<<8 | uint64(b)
	}
	return strconv.FormatUint(n, 16)
}

func baseIDOf(sc trace.SpanContext) string { return convert.BaseID(sc) }

func idOf(sc trace.SpanContext) string { return convert.ID(sc, sc.TraceState()) }

// Run runs f as an operation. The error of f, or its panic, which goes on, is
// the operation's.
func (p *Profiler) Run(ctx context.Context, name string, info osprofiler.Info, f func(context.Context) error) (err error) {
	defer p.Trace(&ctx, name, info)(&err)
	return f(ctx)
}

// Trace traces the function that calls it, in one line:
//
//	defer profiler.Trace(&ctx, "rpc", bridge.Function("nova.boot", id))(&err)
//
// It starts the operation, puts its context into ctx, and returns what stops
// it. That takes the function's error result, or nil where there is none; a
// panic is recorded and goes on.
func (p *Profiler) Trace(ctx *context.Context, name string, info osprofiler.Info) (stop func(err *error)) {
	inner, operation := p.Start(*ctx, name, info)
	*ctx = inner
	return func(err *error) {
		if cause := recover(); cause != nil {
			operation.StopError(panicError{cause}, "")
			panic(cause)
		}
		if err != nil {
			operation.StopError(*err, "")
			return
		}
		operation.Stop("")
	}
}

// panicError is a panic as the error of an operation.
type panicError struct{ cause any }

func (e panicError) Error() string { return fmt.Sprint("panic: ", e.cause) }
