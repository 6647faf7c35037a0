package exporter

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// started is a span as it was when it started: the running span goes on to
// change, and the worker looks at it later. It says what a start needs; events,
// links and the status a start does not tell.
type started struct {
	sdktrace.ReadOnlySpan // for its private method only

	name       string
	context    trace.SpanContext
	parent     trace.SpanContext
	kind       trace.SpanKind
	start      time.Time
	attributes []attribute.KeyValue
	resource   *resource.Resource
	scope      instrumentation.Scope
}

// startedOf copies what is known of a span. The attributes are shared: the SDK
// copies them before it writes into what Attributes has returned.
func startedOf(s sdktrace.ReadOnlySpan) *started {
	return &started{
		name: s.Name(), context: s.SpanContext(), parent: s.Parent(), kind: s.SpanKind(), start: s.StartTime(),
		attributes: s.Attributes(), resource: s.Resource(), scope: s.InstrumentationScope(),
	}
}

func (s *started) Name() string                                { return s.name }
func (s *started) SpanContext() trace.SpanContext              { return s.context }
func (s *started) Parent() trace.SpanContext                   { return s.parent }
func (s *started) SpanKind() trace.SpanKind                    { return s.kind }
func (s *started) StartTime() time.Time                        { return s.start }
func (s *started) EndTime() time.Time                          { return time.Time{} }
func (s *started) Attributes() []attribute.KeyValue            { return s.attributes }
func (s *started) Links() []sdktrace.Link                      { return nil }
func (s *started) Events() []sdktrace.Event                    { return nil }
func (s *started) Status() sdktrace.Status                     { return sdktrace.Status{} }
func (s *started) InstrumentationScope() instrumentation.Scope { return s.scope }
func (s *started) Resource() *resource.Resource                { return s.resource }
func (s *started) DroppedAttributes() int                      { return 0 }
func (s *started) DroppedLinks() int                           { return 0 }
func (s *started) DroppedEvents() int                          { return 0 }
func (s *started) ChildSpanCount() int                         { return 0 }

// InstrumentationLibrary implements ReadOnlySpan's deprecated method.
func (s *started) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // the interface has it
	return s.scope
}

// About what things take in memory besides their texts, in bytes.
const (
	spanBytes      = 512
	attributeBytes = 64
	eventBytes     = 96
	linkBytes      = 128
)

// sizeOf reckons how much memory a span holds, in bytes; what many spans share
// (resource, scope) does not count.
func sizeOf(s sdktrace.ReadOnlySpan) int64 {
	size := spanBytes + len(s.Name()) + len(s.Status().Description) + sizeOfAttributes(s.Attributes())
	for _, event := range s.Events() {
		size += eventBytes + len(event.Name) + sizeOfAttributes(event.Attributes)
	}
	for _, link := range s.Links() {
		size += linkBytes + sizeOfAttributes(link.Attributes)
	}
	return int64(size)
}

func sizeOfAttributes(attrs []attribute.KeyValue) (size int) {
	for i := range attrs {
		size += attributeBytes + len(attrs[i].Key) + sizeOfValue(attrs[i].Value)
	}
	return size
}

// sizeOfValue is exact for the usual kinds; of the rare ones, whose elements
// cannot be looked at without a copy, it takes the length of their text.
func sizeOfValue(v attribute.Value) int {
	switch v.Type() {
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64, attribute.EMPTY:
		return 0 // in attributeBytes
	case attribute.STRING:
		return len(v.AsString())
	default:
		return len(v.String())
	}
}
