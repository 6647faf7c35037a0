package bridge

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// A trustedTrace is the trace that a verified signature or [Profiler.Init] named. It is a
// private value in the context, so that only this package can make one. It applies only to
// that trace, and not to a new root in the same context.
type trustedTrace struct {
	remote trace.SpanContext    // the caller, as a span context of the trace
	info   osprofiler.TraceInfo // the caller, in its own texts
	key    string               // the key that verified the signature and signs outgoing headers; empty for a local trace without a key
	other  trace.SpanContext    // another caller that the request named, for a link; without a trace id if there was none

	// refused are the spans of this process, by their span ids, below a caller that has not
	// signed but names the same trace.
	refused sync.Map
}

type trustedTraceKey struct{}

func withTrustedTrace(ctx context.Context, t *trustedTrace) context.Context {
	return context.WithValue(ctx, trustedTraceKey{}, t)
}

// trustedTraceOf returns the trusted trace of the context, or nil.
func trustedTraceOf(ctx context.Context) *trustedTrace {
	t, _ := ctx.Value(trustedTraceKey{}).(*trustedTrace)
	return t
}

// trustedTraceFor returns the trusted trace of the context if it has this trace id, or nil. It
// also returns nil if another propagator has replaced the remote caller that signed, even by
// another span of the same trace, and below such a replacing caller.
func trustedTraceFor(ctx context.Context, traceID trace.TraceID) *trustedTrace {
	t := trustedTraceOf(ctx)
	if t == nil || !traceID.IsValid() || t.remote.TraceID() != traceID {
		return nil
	}
	span := trace.SpanFromContext(ctx)
	sc := span.SpanContext()
	if sc.IsRemote() && !t.isCaller(sc) {
		return nil
	}
	if sc.HasSpanID() && !sc.IsRemote() && !sc.IsSampled() {
		return nil // a sampler has dropped the span; a span of a trusted trace is recorded
	}
	if s, ok := span.(sdktrace.ReadOnlySpan); ok && sc.TraceID() == traceID && t.refuses(sc, s.Parent()) {
		return nil
	}
	return t
}

// refuses reports whether a span of this process is below a caller that has not signed, and
// remembers the span. The sampler or [OnDemand] asks when a span starts, so that they ask
// about a parent before its children.
func (t *trustedTrace) refuses(sc, parent trace.SpanContext) bool {
	if parent.IsRemote() {
		if t.isCaller(parent) {
			return false
		}
	} else if _, below := t.refused.Load(parent.SpanID()); !below {
		return false
	}
	t.refused.Store(sc.SpanID(), struct{}{})
	return true
}

// isCaller reports whether a remote span context names the caller that signed, which means the
// same ids in the same texts. Its flags and its trace state may differ.
func (t *trustedTrace) isCaller(sc trace.SpanContext) bool {
	if sc.TraceID() != t.remote.TraceID() || sc.SpanID() != t.remote.SpanID() {
		return false
	}
	return convert.BaseID(sc) == convert.BaseID(t.remote) &&
		(!sc.HasSpanID() || convert.ID(sc, sc.TraceState()) == convert.ID(t.remote, t.remote.TraceState()))
}

// replacedCaller returns the trusted trace of the context, if another propagator has
// replaced its caller by a caller that has not signed. It returns nil otherwise.
func replacedCaller(ctx context.Context) *trustedTrace {
	t := trustedTraceOf(ctx)
	if t == nil {
		return nil
	}
	if sc := trace.SpanContextFromContext(ctx); !sc.IsRemote() || t.isCaller(sc) {
		return nil
	}
	return t
}

// errReplacedCaller reports a trace that was lost because its caller was replaced.
var errReplacedCaller = errors.New("osprofiler: a signed request may not be traced, because something has replaced the caller " +
	"that bridge.NewPropagator verified; if a propagator did so, make bridge.NewPropagator the last one of the composite propagator, as bridge.NewPropagators does")

var replacedCallerReported atomic.Bool

// reportReplacedCaller reports, once per process, that a caller was replaced. The error
// handler may itself start spans.
func reportReplacedCaller(ctx context.Context) {
	if !replacedCallerReported.Load() && replacedCaller(ctx) != nil && replacedCallerReported.CompareAndSwap(false, true) {
		otel.Handle(errReplacedCaller)
	}
}

// withRemote puts a trusted remote caller into the context. Spans that start there
// belong to the caller's trace and are recorded. Outgoing headers are signed with
// the key, if it is not empty.
func withRemote(ctx context.Context, info osprofiler.TraceInfo, key string) context.Context {
	return withCaller(ctx, info, key, trace.SpanContext{})
}

// withCaller is withRemote for a request that also named another span context. If both name
// the same span, the flags and the trace state of the other one are used. Otherwise the
// trusted caller replaces it.
func withCaller(ctx context.Context, info osprofiler.TraceInfo, key string, named trace.SpanContext) context.Context {
	t := &trustedTrace{info: info, key: key}
	sc := spanContextOf(info)
	switch {
	case named.TraceID() == sc.TraceID() && named.SpanID() == sc.SpanID():
		// Our own member of the trace state is not signed.
		sc = named.WithTraceFlags(named.TraceFlags() | trace.FlagsSampled).
			WithTraceState(named.TraceState().Delete(convert.TraceStateKey))
	case named.HasTraceID():
		t.other = named
	}
	// Ids that are too long for the trace state are only in the trustedTrace.
	t.remote, _ = convert.RememberIDs(sc.WithRemote(true), info.BaseID, info.ParentID)
	return withTrustedTrace(trace.ContextWithSpanContext(ctx, t.remote), t)
}

// spanContextOf returns the span context of a caller. A caller whose id is the base
// id has no span id, so that a span under it is a root.
func spanContextOf(info osprofiler.TraceInfo) trace.SpanContext {
	cfg := trace.SpanContextConfig{TraceID: osprofiler.TraceIDOf(info.BaseID), TraceFlags: trace.FlagsSampled}
	if info.ParentID != info.BaseID {
		cfg.SpanID = osprofiler.SpanIDOf(info.ParentID)
	}
	return trace.NewSpanContext(cfg)
}

// traceInfoOf is the inverse of spanContextOf. It returns the trace info of the
// current span for the next service. The ids of the caller have the caller's texts.
func (t *trustedTrace) traceInfoOf(sc trace.SpanContext) osprofiler.TraceInfo {
	if sc.SpanID() == t.remote.SpanID() { // there is no span of this service in between
		return t.info
	}
	return osprofiler.TraceInfo{BaseID: t.info.BaseID, ParentID: convert.ID(sc, sc.TraceState())}
}

// signingKey returns the key that signs outgoing headers of the trace. ok is false if the
// trace is not trusted, or was begun without a key.
func signingKey(ctx context.Context, traceID trace.TraceID) (key string, ok bool) {
	if t := trustedTraceFor(ctx, traceID); t != nil {
		return t.key, t.key != ""
	}
	return "", false
}

// Trusted reports whether the trace of the context's span is passed on with signed headers.
// Signed headers are sent if a verified signature named the trace, or if [Profiler.Init] began
// it with a key.
func Trusted(ctx context.Context) bool {
	_, ok := signingKey(ctx, trace.SpanContextFromContext(ctx).TraceID())
	return ok
}
