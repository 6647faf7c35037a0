package convert

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// TraceStateKey is the key of our member of the W3C tracestate. It says what a
// caller's OSProfiler ids read like where a trace id and a span id cannot: a
// base id that is no canonical UUID, a parent whose UUID has a high half of
// its own. Its value is the two texts in URL-safe base64 without padding,
// joined by a dot; a text that can be derived is left out. Whoever reads it
// uses a text only if it maps to the very id that stands beside it.
const TraceStateKey = "osp"

// maxTraceStateValue is what W3C Trace Context allows a member's value.
const maxTraceStateValue = 256

// RememberIDs returns the span context of a remote OSProfiler parent with what
// its ids cannot carry in its trace state. ok is false if that did not fit;
// then the texts are to be kept in the context, by other means.
func RememberIDs(sc trace.SpanContext, baseID, parentID string) (_ trace.SpanContext, ok bool) {
	base, parent := "", ""
	if baseID != osprofiler.BaseIDOf(sc.TraceID()) {
		base = encodeID(baseID)
	}
	if sc.HasSpanID() && parentID != osprofiler.IDOf(sc.TraceID(), sc.SpanID()) {
		parent = encodeID(parentID)
	}
	if base == "" && parent == "" {
		return sc, true
	}
	value := base + "." + parent
	if len(value) > maxTraceStateValue {
		return sc, false
	}
	state, err := sc.TraceState().Insert(TraceStateKey, value)
	if err != nil {
		return sc, false
	}
	return sc.WithTraceState(state), true
}

func encodeID(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// BaseID gives the base id of a span context as its sender wrote it, as far as
// it is known, else derived from the trace id.
func BaseID(sc trace.SpanContext) string {
	encoded, _, _ := strings.Cut(sc.TraceState().Get(TraceStateKey), ".")
	if base, ok := decodeID(encoded); ok && osprofiler.TraceIDOf(base) == sc.TraceID() {
		return base
	}
	return osprofiler.BaseIDOf(sc.TraceID())
}

// ID gives the OSProfiler id of the span that a span context names: the text
// that its sender wrote, as far as the trace state of sc or of a child of it
// knows it, else the one derived from both ids.
func ID(sc trace.SpanContext, state trace.TraceState) string {
	_, encoded, _ := strings.Cut(state.Get(TraceStateKey), ".")
	if id, ok := decodeID(encoded); ok && osprofiler.SpanIDOf(id) == sc.SpanID() {
		return id
	}
	return osprofiler.IDOf(sc.TraceID(), sc.SpanID())
}

// derived is the UUID that stands for a span whose own nobody knows: the high
// half of the trace's, the span id below.
func derived(traceID trace.TraceID, spanID trace.SpanID) (u osprofiler.UUID) {
	copy(u[:8], traceID[:8])
	copy(u[8:], spanID[:])
	return u
}

func decodeID(encoded string) (string, bool) {
	if encoded == "" {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	return string(text), err == nil && utf8.Valid(text)
}
