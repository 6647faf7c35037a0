package convert

import (
	"encoding/base64"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
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

// RememberIDs returns the span context of a remote OSProfiler parent, with the
// texts in its trace state that its ids cannot carry. ok is false if these did
// not all fit. Then the base id comes first, as it names the trace, and the
// caller is to keep the texts in the context, by other means.
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
	for i, value := range [...]string{base + "." + parent, base + ".", "." + parent} {
		if len(value) > maxTraceStateValue || value == "." {
			continue
		}
		if state, err := sc.TraceState().Insert(TraceStateKey, value); err == nil {
			return sc.WithTraceState(state), i == 0
		}
	}
	return sc, false
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

// decodeID is the inverse of encodeID. Nobody has signed a trace state, so it
// may hold any bytes: only texts that come through JSON unchanged are ids, lone
// surrogates among them.
func decodeID(encoded string) (string, bool) {
	if encoded == "" {
		return "", false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	text := string(decoded)
	return text, err == nil && pyjson.Normal(text) == text
}
