package convert

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// What a ReadOnlySpan has and OTLP has not stands in info.otel in attributes
// of ours, behind the span's own; they are taken out again on reading.
const (
	childSpansKey       = attribute.Key("osprofiler.child_span_count")
	parentTraceStateKey = attribute.Key("osprofiler.parent.trace_state")
	// ownEndKey stands behind the span's own attributes if the last of these
	// has one of the three keys itself.
	ownEndKey = attribute.Key("osprofiler.own_attributes_end")
)

func isExtra(key attribute.Key) bool {
	return key == childSpansKey || key == parentTraceStateKey || key == ownEndKey
}

func extraAttributes(s sdktrace.ReadOnlySpan, own []attribute.KeyValue) (extra []attribute.KeyValue) {
	if len(own) > 0 && isExtra(own[len(own)-1].Key) {
		extra = append(extra, ownEndKey.Bool(true))
	}
	if n := s.ChildSpanCount(); n != 0 {
		extra = append(extra, childSpansKey.Int(n))
	}
	if p := s.Parent(); p.HasSpanID() && p.TraceState().Len()+s.SpanContext().TraceState().Len() > 0 {
		if state := p.TraceState().String(); state != s.SpanContext().TraceState().String() {
			extra = append(extra, parentTraceStateKey.String(state))
		}
	}
	return extra
}

// restoreExtra is the inverse of extraAttributes; it sets the parent, too.
func (s *span) restoreExtra(parent trace.SpanContextConfig) {
	if kv, ok := s.last(parentTraceStateKey); ok {
		if state, err := trace.ParseTraceState(kv.Value.AsString()); err == nil {
			parent.TraceState = state
			s.dropLast()
		}
	}
	s.parent = trace.NewSpanContext(parent)
	if kv, ok := s.last(childSpansKey); ok {
		s.childSpans = int(kv.Value.AsInt64())
		s.dropLast()
	}
	if _, ok := s.last(ownEndKey); ok {
		s.dropLast()
	}
}

// last returns the last attribute if it has that key.
func (s *span) last(key attribute.Key) (kv attribute.KeyValue, ok bool) {
	if len(s.attributes) == 0 {
		return kv, false
	}
	kv = s.attributes[len(s.attributes)-1]
	return kv, kv.Key == key
}

func (s *span) dropLast() { s.attributes = slices.Clip(s.attributes[:len(s.attributes)-1]) }
