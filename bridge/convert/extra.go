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
)

func extraAttributes(s sdktrace.ReadOnlySpan) (extra []attribute.KeyValue) {
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
	for len(s.attributes) > 0 {
		last := s.attributes[len(s.attributes)-1]
		switch last.Key {
		case childSpansKey:
			s.childSpans = int(last.Value.AsInt64())
		case parentTraceStateKey:
			if state, err := trace.ParseTraceState(last.Value.AsString()); err == nil {
				parent.TraceState = state
			}
		default:
			s.parent = trace.NewSpanContext(parent)
			return
		}
		s.attributes = slices.Clip(s.attributes[:len(s.attributes)-1])
	}
	s.parent = trace.NewSpanContext(parent)
}
