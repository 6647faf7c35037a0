package bridge

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// A vouch is what a verified signature, or [Profiler.Init], says for one
// trace. It is a private value in the context, so that nothing but this package
// can make one, and it holds for that trace alone: not for a new root in the
// same context.
type vouch struct {
	remote trace.SpanContext // whose trace id is the trace's
	info   osprofiler.TraceInfo
	key    string            // that verified, and signs what goes on from here; empty for a local trace without a key
	other  trace.SpanContext // that the request named besides, and that lost; without a trace id if there was none
}

type vouchKey struct{}

func withVouch(ctx context.Context, v *vouch) context.Context {
	return context.WithValue(ctx, vouchKey{}, v)
}

// vouchOf returns what the context vouches for, or nil.
func vouchOf(ctx context.Context) *vouch {
	v, _ := ctx.Value(vouchKey{}).(*vouch)
	return v
}

// vouchFor returns what vouches for the trace, or nil. A remote caller that
// another propagator put in the place of the one that signed is not vouched
// for, though it names the same trace.
func vouchFor(ctx context.Context, traceID trace.TraceID) *vouch {
	v := vouchOf(ctx)
	if v == nil || !traceID.IsValid() || v.remote.TraceID() != traceID {
		return nil
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsRemote() && !sc.Equal(v.remote) {
		return nil
	}
	return v
}

// withRemote puts a remote caller into the context, vouched for with the key:
// what starts there belongs to the caller's trace and is recorded, and what
// goes out is signed with the key, if it is not empty.
func withRemote(ctx context.Context, info osprofiler.TraceInfo, key string) context.Context {
	return withCaller(ctx, info, key, trace.SpanContext{})
}

// withCaller is withRemote where another span context was named besides. If
// that is the same, its flags and trace state are kept; else it loses.
func withCaller(ctx context.Context, info osprofiler.TraceInfo, key string, named trace.SpanContext) context.Context {
	v := &vouch{info: info, key: key}
	sc := spanContextOf(info)
	switch {
	case named.TraceID() == sc.TraceID() && named.SpanID() == sc.SpanID():
		// A member of ours in the trace state nobody has signed.
		sc = named.WithTraceFlags(named.TraceFlags() | trace.FlagsSampled).
			WithTraceState(named.TraceState().Delete(convert.TraceStateKey))
	case named.HasTraceID():
		v.other = named
	}
	// Ids that are too long for the trace state stay in the vouch alone.
	v.remote, _ = convert.RememberIDs(sc.WithRemote(true), info.BaseID, info.ParentID)
	return withVouch(trace.ContextWithSpanContext(ctx, v.remote), v)
}

// spanContextOf is OTel's form of a caller. One that is the base itself has no
// span id, so that what starts under it is a root.
func spanContextOf(info osprofiler.TraceInfo) trace.SpanContext {
	cfg := trace.SpanContextConfig{TraceID: osprofiler.TraceIDOf(info.BaseID), TraceFlags: trace.FlagsSampled}
	if info.ParentID != info.BaseID {
		cfg.SpanID = osprofiler.SpanIDOf(info.ParentID)
	}
	return trace.NewSpanContext(cfg)
}

// traceInfoOf is the inverse: what the next service is to be told of the
// current span, in the caller's own words where the ids are the caller's.
func (v *vouch) traceInfoOf(sc trace.SpanContext) osprofiler.TraceInfo {
	if sc.SpanID() == v.remote.SpanID() { // nothing of ours is in between
		return v.info
	}
	return osprofiler.TraceInfo{BaseID: v.info.BaseID, ParentID: convert.ID(sc, sc.TraceState())}
}

// trusted returns the key that signs for the trace; ok is false if nothing
// vouches for it, or only a start without a key.
func trusted(ctx context.Context, traceID trace.TraceID) (key string, ok bool) {
	if v := vouchFor(ctx, traceID); v != nil {
		return v.key, v.key != ""
	}
	return "", false
}

// Trusted tells whether the trace of the context's span may be passed on
// signed: whether a verified signature vouches for it, or [Profiler.Init] with
// a key.
func Trusted(ctx context.Context) bool {
	_, ok := trusted(ctx, trace.SpanContextFromContext(ctx).TraceID())
	return ok
}
