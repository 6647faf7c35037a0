package otlppb

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The fields of Span, Event, Link and Status.
var (
	spanTraceID           = bytesField(1)
	spanSpanID            = bytesField(2)
	spanTraceState        = bytesField(3)
	spanParentSpanID      = bytesField(4)
	spanFlags             = fixed32Field(16)
	spanName              = bytesField(5)
	spanKind              = varintField(6)
	spanStart             = fixed64Field(7)
	spanEnd               = fixed64Field(8)
	spanAttributes        = bytesField(9)
	spanDroppedAttributes = varintField(10)
	spanEvents            = bytesField(11)
	spanDroppedEvents     = varintField(12)
	spanLinks             = bytesField(13)
	spanDroppedLinks      = varintField(14)
	spanStatus            = bytesField(15)

	eventTime              = fixed64Field(1)
	eventName              = bytesField(2)
	eventAttributes        = bytesField(3)
	eventDroppedAttributes = varintField(4)

	linkTraceID           = bytesField(1)
	linkSpanID            = bytesField(2)
	linkTraceState        = bytesField(3)
	linkAttributes        = bytesField(4)
	linkDroppedAttributes = varintField(5)
	linkFlags             = fixed32Field(6)

	statusMessage = bytesField(2)
	statusCode    = varintField(3)
)

// AppendSpan appends the wire form of a Span, which is the content of the message
// without a tag and without its length.
func AppendSpan(b []byte, s sdktrace.ReadOnlySpan) []byte {
	sc, parent := s.SpanContext(), s.Parent()
	b = appendIDs(b, sc, spanTraceID, spanSpanID, spanTraceState)
	if id := parent.SpanID(); id.IsValid() {
		b = appendBytes(b, spanParentSpanID, id[:])
	}
	b = appendOptional(b, spanName, s.Name())
	if kind := s.SpanKind(); trace.SpanKindInternal <= kind && kind <= trace.SpanKindConsumer {
		b = appendVarint(b, spanKind, uint64(kind))
	}
	b = appendTime(b, spanStart, s.StartTime())
	b = appendTime(b, spanEnd, s.EndTime())
	b = appendAttributes(b, spanAttributes, s.Attributes())
	b = appendCount(b, spanDroppedAttributes, s.DroppedAttributes())
	b = appendEvents(b, s.Events())
	b = appendCount(b, spanDroppedEvents, s.DroppedEvents())
	b = appendLinks(b, s.Links())
	b = appendCount(b, spanDroppedLinks, s.DroppedLinks())
	b = appendStatus(b, s.Status())
	return appendFlags(b, spanFlags, sc.TraceFlags(), parent.IsRemote())
}

func appendIDs(b []byte, sc trace.SpanContext, traceIDField, spanIDField, stateField field) []byte {
	if id := sc.TraceID(); id.IsValid() {
		b = appendBytes(b, traceIDField, id[:])
	}
	if id := sc.SpanID(); id.IsValid() {
		b = appendBytes(b, spanIDField, id[:])
	}
	if sc.TraceState().Len() > 0 {
		b = appendText(b, stateField, sc.TraceState().String())
	}
	return b
}

// appendFlags appends the trace flags and whether the parent, or the linked span,
// is remote. As in OTel's own exporter, this is always marked as known.
func appendFlags(b []byte, f field, flags trace.TraceFlags, remote bool) []byte {
	bits := uint32(flags) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if remote {
		bits |= uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return protowire.AppendFixed32(protowire.AppendVarint(b, uint64(f)), bits)
}

func appendEvents(b []byte, events []sdktrace.Event) []byte {
	for i := range events {
		e := &events[i]
		var start int
		b, start = open(b, spanEvents)
		b = appendTime(b, eventTime, e.Time)
		b = appendOptional(b, eventName, e.Name)
		b = appendAttributes(b, eventAttributes, e.Attributes)
		b = closeMessage(appendCount(b, eventDroppedAttributes, e.DroppedAttributeCount), start)
	}
	return b
}

func appendLinks(b []byte, links []sdktrace.Link) []byte {
	for i := range links {
		l := &links[i]
		var start int
		b, start = open(b, spanLinks)
		b = appendIDs(b, l.SpanContext, linkTraceID, linkSpanID, linkTraceState)
		b = appendAttributes(b, linkAttributes, l.Attributes)
		b = appendCount(b, linkDroppedAttributes, l.DroppedAttributeCount)
		b = closeMessage(appendFlags(b, linkFlags, l.SpanContext.TraceFlags(), l.SpanContext.IsRemote()), start)
	}
	return b
}

// appendStatus appends the status, which OTel's own exporter also sends if it is
// unset.
func appendStatus(b []byte, s sdktrace.Status) []byte {
	b, start := open(b, spanStatus)
	b = appendOptional(b, statusMessage, s.Description)
	switch s.Code {
	case codes.Ok:
		b = appendVarint(b, statusCode, uint64(tracepb.Status_STATUS_CODE_OK))
	case codes.Error:
		b = appendVarint(b, statusCode, uint64(tracepb.Status_STATUS_CODE_ERROR))
	}
	return closeMessage(b, start)
}

// Encode returns the messages of spans. The spans of one resource and scope are
// together, in their order. A span without a resource has none in OTLP.
func Encode(spans ...sdktrace.ReadOnlySpan) []*tracepb.ResourceSpans {
	var g Groups
	for _, s := range spans {
		span := &tracepb.Span{}
		mustUnmarshal(AppendSpan(nil, s), span)
		r := s.Resource()
		key := GroupKey{Resource: r.Equivalent(), SchemaURL: r.SchemaURL(), Scope: s.InstrumentationScope()}
		group, ok := g.Find(key)
		if !ok {
			group = g.Add(key, Resource(r), r.SchemaURL())
		}
		group.Spans = append(group.Spans, span)
	}
	return g.All
}

// Resource returns the message of a resource, or nil for nil.
func Resource(r *resource.Resource) *resourcepb.Resource {
	if r == nil {
		return nil
	}
	message := &resourcepb.Resource{}
	mustUnmarshal(appendAttributes(nil, bytesField(1), r.Attributes()), message)
	return message
}

// Scope returns the message of a scope, or nil for the empty one.
func Scope(s instrumentation.Scope) *commonpb.InstrumentationScope {
	if s == (instrumentation.Scope{}) {
		return nil
	}
	message := &commonpb.InstrumentationScope{}
	b := appendOptional(nil, bytesField(1), s.Name)
	b = appendOptional(b, bytesField(2), s.Version)
	mustUnmarshal(appendAttributes(b, bytesField(3), s.Attributes.ToSlice()), message)
	return message
}

// mustUnmarshal decodes what this package has encoded.
func mustUnmarshal(b []byte, message proto.Message) {
	if err := proto.Unmarshal(b, message); err != nil {
		panic("otlppb: the encoder wrote no protobuf: " + err.Error()) // a mistake of this package
	}
}
