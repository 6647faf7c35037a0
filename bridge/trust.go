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
	key    string            // that verified, and signs what goes on from here; empty for a local trace without a key
	texts  *callerIDs        // the ids as the caller wrote them, where the trace state has no room for them
	other  trace.SpanContext // that the request named besides, and that lost; its trace id is invalid if there was none
}

// callerIDs are the texts of a remote caller's ids.
type callerIDs struct{ base, parent string }

type vouchKey struct{}

func withVouch(ctx context.Context, v *vouch) context.Context {
	return context.WithValue(ctx, vouchKey{}, v)
}

// vouchFor returns what vouches for the trace, or nil.
func vouchFor(ctx context.Context, traceID trace.TraceID) *vouch {
	v, _ := ctx.Value(vouchKey{}).(*vouch)
	if v == nil || !traceID.IsValid() || v.remote.TraceID() != traceID {
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
	v := &vouch{key: key}
	sc := spanContextOf(info)
	switch {
	case named.TraceID() == sc.TraceID() && named.SpanID() == sc.SpanID():
		// A member of ours in the trace state nobody has signed.
		sc = named.WithTraceFlags(named.TraceFlags() | trace.FlagsSampled).
			WithTraceState(named.TraceState().Delete(convert.TraceStateKey))
	case named.HasTraceID():
		v.other = named
	}
	sc, ok := convert.RememberIDs(sc.WithRemote(true), info.BaseID, info.ParentID)
	if !ok {
		v.texts = &callerIDs{base: info.BaseID, parent: info.ParentID}
	}
	v.remote = sc
	return withVouch(trace.ContextWithSpanContext(ctx, sc), v)
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
// current span, in the caller's words where the ids are the caller's.
func (v *vouch) traceInfoOf(sc trace.SpanContext) osprofiler.TraceInfo {
	info := osprofiler.TraceInfo{BaseID: convert.BaseID(sc)}
	if v.texts != nil {
		info.BaseID = v.texts.base
	}
	switch {
	case !sc.HasSpanID():
		info.ParentID = info.BaseID
	case v.texts != nil && sc.SpanID() == v.remote.SpanID():
		info.ParentID = v.texts.parent
	default:
		info.ParentID = convert.ID(sc, sc.TraceState())
	}
	return info
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
