package convert

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// These are the keys for properties of a ReadOnlySpan that OTLP lacks. In info.otel the
// properties are attributes with these keys, after the span's own attributes. Reading removes
// them again.
const (
	childSpansKey       = attribute.Key("osprofiler.child_span_count")
	parentTraceStateKey = attribute.Key("osprofiler.parent.trace_state")
	// ownEndKey follows the span's own attributes if the last of them has one of the three
	// keys itself.
	ownEndKey = attribute.Key("osprofiler.own_attributes_end")
)

func isExtra(key attribute.Key) bool {
	return key == childSpansKey || key == parentTraceStateKey || key == ownEndKey
}

// maxExtras is the largest number of extra attributes.
const maxExtras = 3

// appendExtras appends the attributes for the properties that OTLP lacks. own has the
// attributes of the span.
func appendExtras(extra []attribute.KeyValue, s sdktrace.ReadOnlySpan, own []attribute.KeyValue) []attribute.KeyValue {
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

// restoreExtras is the inverse of appendExtras. It also sets the parent.
func (s *Span) restoreExtras(parent trace.SpanContextConfig) {
	if kv, ok := s.lastAttribute(parentTraceStateKey); ok {
		if state, err := trace.ParseTraceState(kv.Value.AsString()); err == nil {
			parent.TraceState = state
			s.dropLastAttribute()
		}
	}
	s.Parent = trace.NewSpanContext(parent)
	if kv, ok := s.lastAttribute(childSpansKey); ok {
		s.ChildSpanCount = int(kv.Value.AsInt64())
		s.dropLastAttribute()
	}
	if _, ok := s.lastAttribute(ownEndKey); ok {
		s.dropLastAttribute()
	}
}

// lastAttribute returns the last attribute if it has the given key.
func (s *Span) lastAttribute(key attribute.Key) (kv attribute.KeyValue, ok bool) {
	if len(s.Attributes) == 0 {
		return kv, false
	}
	kv = s.Attributes[len(s.Attributes)-1]
	return kv, kv.Key == key
}

func (s *Span) dropLastAttribute() { s.Attributes = slices.Clip(s.Attributes[:len(s.Attributes)-1]) }
