package convert

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// span is a finished span of foreign origin: its own ids, times and resource,
// which no Tracer would give it.
type span struct {
	sdktrace.ReadOnlySpan // for its private method only; all others are here

	name       string
	context    trace.SpanContext
	parent     trace.SpanContext
	kind       trace.SpanKind
	start, end time.Time
	attributes []attribute.KeyValue
	events     []sdktrace.Event
	links      []sdktrace.Link
	status     sdktrace.Status
	dropped    struct{ attributes, events, links int }
	childSpans int
	resource   *resource.Resource
	scope      instrumentation.Scope
}

// roomySpan is a span with room for the attributes that most have which are
// made from notifications: one allocation for both.
type roomySpan struct {
	span
	room [6]attribute.KeyValue
}

var _ sdktrace.ReadOnlySpan = (*span)(nil)

func (s *span) Name() string                                { return s.name }
func (s *span) SpanContext() trace.SpanContext              { return s.context }
func (s *span) Parent() trace.SpanContext                   { return s.parent }
func (s *span) SpanKind() trace.SpanKind                    { return s.kind }
func (s *span) StartTime() time.Time                        { return s.start }
func (s *span) EndTime() time.Time                          { return s.end }
func (s *span) Attributes() []attribute.KeyValue            { return s.attributes }
func (s *span) Links() []sdktrace.Link                      { return s.links }
func (s *span) Events() []sdktrace.Event                    { return s.events }
func (s *span) Status() sdktrace.Status                     { return s.status }
func (s *span) InstrumentationScope() instrumentation.Scope { return s.scope }
func (s *span) Resource() *resource.Resource                { return s.resource }
func (s *span) DroppedAttributes() int                      { return s.dropped.attributes }
func (s *span) DroppedLinks() int                           { return s.dropped.links }
func (s *span) DroppedEvents() int                          { return s.dropped.events }
func (s *span) ChildSpanCount() int                         { return s.childSpans }

// InstrumentationLibrary implements ReadOnlySpan's deprecated method.
func (s *span) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // the interface has it
	return s.scope
}

// OfNotifications tells whether a span was made from notifications, not by a
// Tracer. Processors see such a span when it ends, never when it starts.
func OfNotifications(s sdktrace.ReadOnlySpan) bool {
	if _, ok := s.(*span); ok {
		return true
	}
	return s.InstrumentationScope().Name == ScopeName
}
