package convert

import (
	"encoding/base64"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// TraceStateKey is the key of our member of the W3C tracestate. The member holds
// the texts of a caller's OSProfiler ids that do not follow from a trace id and a
// span id: a base id that is no canonical UUID, and a parent's UUID whose high
// half is not that of the base id. Its value is the two texts in URL-safe base64
// without padding, joined by a dot. A text that follows from the ids is left out.
// A reader uses a text only if it maps to the id in the same span context.
const TraceStateKey = "osp"

// maxTraceStateValue is what W3C Trace Context allows a member's value.
const maxTraceStateValue = 256

// RememberIDs returns the span context of a remote OSProfiler parent. Its trace
// state holds the texts that do not follow from its ids. ok is false if not all of
// them fit. The base id comes first, because it names the trace. The caller then
// has to keep the texts in the context by other means.
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

// BaseID returns the base id of a span context: the text that its sender wrote if
// the trace state has it, else the text that follows from the trace id.
func BaseID(sc trace.SpanContext) string {
	encoded, _, _ := strings.Cut(sc.TraceState().Get(TraceStateKey), ".")
	if base, ok := decodeID(encoded); ok && osprofiler.TraceIDOf(base) == sc.TraceID() {
		return base
	}
	return osprofiler.BaseIDOf(sc.TraceID())
}

// ID returns the OSProfiler id of the span of a span context: the text that its
// sender wrote if state has it, else the text that follows from both ids. state is
// the trace state of sc or of a child of it.
func ID(sc trace.SpanContext, state trace.TraceState) string {
	_, encoded, _ := strings.Cut(state.Get(TraceStateKey), ".")
	if id, ok := decodeID(encoded); ok && osprofiler.SpanIDOf(id) == sc.SpanID() {
		return id
	}
	return osprofiler.IDOf(sc.TraceID(), sc.SpanID())
}

// derivedUUID is the UUID of a span whose own UUID is not known: the high half of
// the base id, then the span id.
func derivedUUID(traceID trace.TraceID, spanID trace.SpanID) (u osprofiler.UUID) {
	copy(u[:8], traceID[:8])
	copy(u[8:], spanID[:])
	return u
}

// decodeID is the inverse of encodeID. A trace state is not signed, so it may hold
// any bytes. Only a text that JSON gives back unchanged is an id; it may have lone
// surrogates.
func decodeID(encoded string) (string, bool) {
	if encoded == "" {
		return "", false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	text := string(decoded)
	return text, err == nil && pyjson.Normal(text) == text
}
