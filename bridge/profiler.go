package bridge

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Profiler is OSProfiler's start and stop for Go. Each operation is a live OTel span of a
// TracerProvider, with the name and the attributes of OSProfiler's own operations. Any
// exporter of this project turns the span into notifications with the ids of the [Operation].
// A Profiler may be used by many goroutines.
type Profiler struct {
	tracer      trace.Tracer
	keys        *Keys
	conventions tags.Conventions
	limits      attributeLimits
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

// WithTracerProvider sets the provider of the spans' tracer. The default is OTel's
// global provider.
func WithTracerProvider(provider trace.TracerProvider) ProfilerOption {
	return profilerOption(func(c *profilerConfig) { c.provider = provider })
}

// WithKeys sets the HMAC keys. The first key signs the traces that [Profiler.Init] begins.
// Without keys, these traces are recorded, but not passed on to other services.
func WithKeys(keys *Keys) ProfilerOption {
	return profilerOption(func(c *profilerConfig) { c.keys = keys })
}

// WithConventions sets the semantic conventions of the spans' attributes. The
// default is [tags.ConventionsFromEnv].
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
		tracer:      cfg.provider.Tracer(convert.ProfilerScopeName, trace.WithInstrumentationVersion(osprofiler.Version())),
		keys:        cfg.keys,
		conventions: cfg.conventions,
	}
}

// Init begins a trace, as OSProfiler's profiler.init does. Operations that are started in the
// returned context belong to the trace and are recorded by [NewSampler]'s sampler. They are
// passed on to other services with headers that the first key signed. An empty baseID selects
// a new id, an empty parentID selects none. Bytes that are not UTF-8 become U+FFFD, as in the
// notifications. The context's previous trace has no effect.
//
// A service does not call Init for the requests that it serves, because their
// headers name the trace.
func (p *Profiler) Init(ctx context.Context, baseID, parentID string) context.Context {
	// Notifications and headers are JSON, which allows only UTF-8.
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

// Start starts an operation within the current one and returns the context for the operations
// within it. The name has no "-start". The info is the JSON text that [DB], [Function],
// [Request], [Requests] and [osprofiler.NewInfo] write. It may be empty. The exporter adds the
// host. Call Stop for every Start.
//
// StartDB and the similar methods do the same from the values of a call, at a lower cost.
func (p *Profiler) Start(ctx context.Context, name string, info osprofiler.Info) (context.Context, *Operation) {
	return p.startInfo(ctx, name, info, nil)
}

// startInfo starts an operation with an info and, if there are any, links.
func (p *Profiler) startInfo(ctx context.Context, name string, info osprofiler.Info, links []trace.Link) (context.Context, *Operation) {
	info = wellFormed(info)
	parsed := tags.NewParsedInfo(info)
	call := parsed.Call(name)
	attrs, exact := parsed.AppendStartAttributes(p.newAttributes(call), call, p.conventions)
	if parsed.HasMore(exact) {
		attrs = appendRest(attrs, convert.StartInfoKey, parsed.Rest(call, exact))
	}
	return p.startSpan(ctx, name, call, attrs, links)
}

// startSpan starts an operation with the attributes of its start.
func (p *Profiler) startSpan(ctx context.Context, name string, call tags.Call, attrs []attribute.KeyValue, links []trace.Link) (context.Context, *Operation) {
	o := &Operation{parent: trace.SpanContextFromContext(ctx), call: call, profiler: p}
	opts := make([]trace.SpanStartOption, 0, 3)
	opts = append(opts, trace.WithSpanKind(call.SpanKind()))
	if len(attrs) > 0 {
		opts = append(opts, trace.WithAttributes(attrs...))
	}
	if len(links) > 0 {
		opts = append(opts, trace.WithLinks(links...))
	}
	var recorded *convert.Recorded
	if p.limits.mayCut(attrs) {
		ctx, recorded = convert.WithRecorded(ctx, call, attrs)
	}
	ctx, o.span = p.tracer.Start(ctx, name, opts...)
	recorded.Forget()
	if p.limits.cut(o.span, attrs) {
		o.cut = attrs
	}
	return ctx, o
}

// newAttributes returns a slice with room for the attributes of a call's start.
func (p *Profiler) newAttributes(call tags.Call) []attribute.KeyValue {
	room := 1
	switch call {
	case tags.DB, tags.Function:
		room = 3
	case tags.HTTPServer, tags.RPC:
		room = 4
	case tags.HTTPClient:
		room = 7
	}
	if p.conventions == tags.Both {
		room *= 2
	}
	return make([]attribute.KeyValue, 0, room)
}

// wellFormed returns a valid info. A text that is not a JSON object becomes a member of the
// info.
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

// appendRest appends the attribute with the rest of an info, which no other attribute
// represents. It appends nothing if the rest has no members besides host.
func appendRest(attrs []attribute.KeyValue, key attribute.Key, rest osprofiler.Info) []attribute.KeyValue {
	if rest = rest.Without("host"); len(rest) > len("{}") {
		attrs = append(attrs, key.String(string(rest)))
	}
	return attrs
}

// Run runs f as an operation. An error or a panic of f makes the operation fail. The panic is
// raised again.
func (p *Profiler) Run(ctx context.Context, name string, info osprofiler.Info, f func(context.Context) error) (err error) {
	defer p.Trace(&ctx, name, info)(&err)
	return f(ctx)
}

// Trace traces the function that calls it, in one line:
//
//	defer profiler.Trace(&ctx, "rpc", bridge.Function("nova.boot", id))(&err)
//
// Trace starts the operation, puts its context into ctx, and returns the function that stops
// it. stop takes a pointer to the error result, or nil if there is none. A panic makes the
// operation fail and is raised again.
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

// A panicError is the error of an operation that panicked.
type panicError struct{ cause any }

func (e panicError) Error() string { return fmt.Sprint("panic: ", e.cause) }
