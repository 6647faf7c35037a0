package convert

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A Span is a span as data. It has a field for every method of a ReadOnlySpan, with the same
// name. A Tracer chooses a span's ids, times and resource. In a Span they can be set.
//
// Make a Span with a composite literal or with [CopySpan], change it, and call [Span.Snapshot]
// for the ReadOnlySpan.
type Span struct {
	Name                 string
	SpanContext          trace.SpanContext
	Parent               trace.SpanContext
	SpanKind             trace.SpanKind
	StartTime, EndTime   time.Time
	Attributes           []attribute.KeyValue
	Events               []sdktrace.Event
	Links                []sdktrace.Link
	Status               sdktrace.Status
	DroppedAttributes    int
	DroppedEvents        int
	DroppedLinks         int
	ChildSpanCount       int
	Resource             *resource.Resource
	InstrumentationScope instrumentation.Scope

	fromNotifications bool // see OfNotifications
}

// CopySpan returns the properties of any span. The copy shares its slices and its resource
// with s. So replace them, and do not write into them.
func CopySpan(s sdktrace.ReadOnlySpan) Span {
	if own, ok := s.(*snapshot); ok {
		return own.span
	}
	c := Span{
		Name:                 s.Name(),
		SpanContext:          s.SpanContext(),
		Parent:               s.Parent(),
		SpanKind:             s.SpanKind(),
		StartTime:            s.StartTime(),
		EndTime:              s.EndTime(),
		Attributes:           s.Attributes(),
		Events:               s.Events(),
		Links:                s.Links(),
		Status:               s.Status(),
		DroppedAttributes:    s.DroppedAttributes(),
		DroppedEvents:        s.DroppedEvents(),
		DroppedLinks:         s.DroppedLinks(),
		ChildSpanCount:       s.ChildSpanCount(),
		Resource:             s.Resource(),
		InstrumentationScope: s.InstrumentationScope(),
	}
	c.clip()
	return c
}

// clip makes sure that appending to a slice of the Span does not write into a shared array.
func (s *Span) clip() {
	s.Attributes, s.Events, s.Links = slices.Clip(s.Attributes), slices.Clip(s.Events), slices.Clip(s.Links)
}

// Snapshot returns a ReadOnlySpan with the current properties of the Span. Later assignments
// to fields do not change it. It shares the slices and the resource with the Span. So a batch
// of Spans can share one resource, by which exporters group spans.
func (s *Span) Snapshot() sdktrace.ReadOnlySpan {
	s.clip()
	return &snapshot{span: *s}
}

// OfNotifications reports whether a span was made from notifications, not by a Tracer.
// Processors see such a span when it ends, never when it starts.
func OfNotifications(s sdktrace.ReadOnlySpan) bool {
	if own, ok := s.(*snapshot); ok && own.span.fromNotifications {
		return true
	}
	return s.InstrumentationScope().Name == ScopeName
}

// A snapshot is a Span as a ReadOnlySpan.
type snapshot struct {
	sdktrace.ReadOnlySpan // nil; it provides the interface's unexported method
	span                  Span
}

// roomySnapshot is a snapshot with space for as many attributes as most spans made from
// notifications have. So both need only one allocation.
type roomySnapshot struct {
	snapshot
	room [6]attribute.KeyValue
}

var _ sdktrace.ReadOnlySpan = (*snapshot)(nil)

func (s *snapshot) Name() string                     { return s.span.Name }
func (s *snapshot) SpanContext() trace.SpanContext   { return s.span.SpanContext }
func (s *snapshot) Parent() trace.SpanContext        { return s.span.Parent }
func (s *snapshot) SpanKind() trace.SpanKind         { return s.span.SpanKind }
func (s *snapshot) StartTime() time.Time             { return s.span.StartTime }
func (s *snapshot) EndTime() time.Time               { return s.span.EndTime }
func (s *snapshot) Attributes() []attribute.KeyValue { return s.span.Attributes }
func (s *snapshot) Links() []sdktrace.Link           { return s.span.Links }
func (s *snapshot) Events() []sdktrace.Event         { return s.span.Events }
func (s *snapshot) Status() sdktrace.Status          { return s.span.Status }
func (s *snapshot) DroppedAttributes() int           { return s.span.DroppedAttributes }
func (s *snapshot) DroppedLinks() int                { return s.span.DroppedLinks }
func (s *snapshot) DroppedEvents() int               { return s.span.DroppedEvents }
func (s *snapshot) ChildSpanCount() int              { return s.span.ChildSpanCount }
func (s *snapshot) Resource() *resource.Resource     { return s.span.Resource }

func (s *snapshot) InstrumentationScope() instrumentation.Scope { return s.span.InstrumentationScope }

// InstrumentationLibrary implements ReadOnlySpan's deprecated method.
func (s *snapshot) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // the interface has it
	return s.span.InstrumentationScope
}
