package convert

import (
	"encoding/base64"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// TraceStateKey is the key of our member of the W3C tracestate. The member holds the texts of
// a caller's OSProfiler ids that cannot be derived from a trace id and a span id: a base id
// that is not a canonical UUID, and a parent's UUID whose high half is not that of the base
// id. Its value is the two texts in URL-safe base64 without padding, joined by a dot. A text
// that can be derived from the ids is left out. A reader uses a text only if it maps to the id
// in the same span context.
const TraceStateKey = "osp"

// maxTraceStateValue is the largest size of a member's value in W3C Trace Context.
const maxTraceStateValue = 256

// RememberIDs returns the span context of a remote OSProfiler parent. Its trace state holds
// the texts that cannot be derived from its ids. ok is false if not all of these texts fit.
// The base id comes first, because it names the trace. If ok is false, the caller must keep
// the texts in the context by other means.
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

// BaseID returns the base id of a span context. It is the text that the sender wrote, if the
// trace state has it. Otherwise it is the text derived from the trace id.
func BaseID(sc trace.SpanContext) string {
	encoded, _, _ := strings.Cut(sc.TraceState().Get(TraceStateKey), ".")
	if base, ok := decodeID(encoded); ok && osprofiler.TraceIDOf(base) == sc.TraceID() {
		return base
	}
	return osprofiler.BaseIDOf(sc.TraceID())
}

// ID returns the OSProfiler id of the span of a span context. It is the text that the sender
// wrote, if state has it. Otherwise it is the text derived from both ids. state is the trace
// state of sc or of a child of it.
func ID(sc trace.SpanContext, state trace.TraceState) string {
	_, encoded, _ := strings.Cut(state.Get(TraceStateKey), ".")
	if id, ok := decodeID(encoded); ok && osprofiler.SpanIDOf(id) == sc.SpanID() {
		return id
	}
	return osprofiler.IDOf(sc.TraceID(), sc.SpanID())
}

// derivedUUID returns the UUID of a span whose own UUID is unknown: the high half of the base
// id, then the span id.
func derivedUUID(traceID trace.TraceID, spanID trace.SpanID) (u osprofiler.UUID) {
	copy(u[:8], traceID[:8])
	copy(u[8:], spanID[:])
	return u
}

// decodeID is the inverse of encodeID. A trace state is not signed, so it may hold any bytes.
// A text is an id only if it is unchanged after writing and reading it as JSON. It may have
// lone surrogates.
func decodeID(encoded string) (string, bool) {
	if encoded == "" {
		return "", false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	text := string(decoded)
	return text, err == nil && pyjson.Normal(text) == text
}
