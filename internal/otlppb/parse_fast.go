package otlppb

import (
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// unmarshalPart reads a message inside a request. Its recursion limit is lower than that
// of unmarshal, which also counts the messages around it.
var unmarshalPart = proto.UnmarshalOptions{RecursionLimit: 990}

// parseFast reads a request as unmarshal does, with a quarter of its allocations. It
// returns false if it does not know a part of the request, or if the request is not
// valid. Then the result is not used.
func parseFast(body []byte) (messages []*tracepb.ResourceSpans, ok bool) {
	r := newFieldReader(body)
	for r.next() {
		if r.tag != bytesField(fieldResourceSpans) {
			return nil, false
		}
		message := &tracepb.ResourceSpans{}
		if !fastResourceSpans(r.content(), message) {
			return nil, false
		}
		messages = append(messages, message)
	}
	return messages, !r.failed
}

func fastResourceSpans(body []byte, message *tracepb.ResourceSpans) bool {
	r := newFieldReader(body)
	for r.next() {
		switch r.tag {
		case bytesField(1):
			if message.Resource != nil {
				return false // package proto would merge the message with the one before
			}
			message.Resource = &resourcepb.Resource{}
			r.check(unmarshalPart.Unmarshal(r.content(), message.Resource) == nil)
		case bytesField(fieldScopeSpans):
			ofScope := &tracepb.ScopeSpans{}
			r.check(fastScopeSpans(r.content(), ofScope))
			message.ScopeSpans = append(message.ScopeSpans, ofScope)
		case bytesField(3):
			message.SchemaUrl = r.ownText()
		default:
			return false
		}
	}
	return !r.failed
}

func fastScopeSpans(body []byte, message *tracepb.ScopeSpans) bool {
	r := newFieldReader(body)
	for r.next() {
		switch r.tag {
		case bytesField(1):
			if message.Scope != nil {
				return false // package proto would merge the message with the one before
			}
			message.Scope = &commonpb.InstrumentationScope{}
			r.check(unmarshalPart.Unmarshal(r.content(), message.Scope) == nil)
		case bytesField(fieldSpans):
			span := &tracepb.Span{}
			raw := r.content()
			if !fastSpan(raw, span) {
				span = &tracepb.Span{}
				r.check(unmarshalPart.Unmarshal(raw, span) == nil)
			}
			message.Spans = append(message.Spans, span)
		case bytesField(3):
			message.SchemaUrl = r.ownText()
		default:
			return false
		}
	}
	return !r.failed
}

// fastSpan reads a span. The texts of its attributes are parts of one string.
func fastSpan(raw []byte, s *tracepb.Span) bool {
	r := newFieldReader(raw)
	r.text = string(raw)
	attributes := newAttributes(raw)
	for r.next() {
		switch r.tag {
		case bytesField(fieldTraceID):
			s.TraceId = r.bytes()
		case bytesField(fieldSpanID):
			s.SpanId = r.bytes()
		case bytesField(3):
			s.TraceState = r.ownText()
		case bytesField(4):
			s.ParentSpanId = r.bytes()
		case bytesField(fieldName):
			s.Name = r.ownText() // notifications keep it, and would keep all of the string
		case varintField(6):
			s.Kind = tracepb.Span_SpanKind(r.varint())
		case fixed64Field(7):
			s.StartTimeUnixNano = r.fixed64()
		case fixed64Field(8):
			s.EndTimeUnixNano = r.fixed64()
		case bytesField(fieldAttributes):
			if !attributes.read(&r) {
				return false
			}
		case varintField(10):
			s.DroppedAttributesCount = uint32(r.varint())
		case varintField(12):
			s.DroppedEventsCount = uint32(r.varint())
		case varintField(14):
			s.DroppedLinksCount = uint32(r.varint())
		case fixed32Field(16):
			s.Flags = r.fixed32()
		default:
			if !r.check(fastPart(&r, s)) {
				return false
			}
		}
	}
	s.Attributes = attributes.list
	return !r.failed
}

// fastPart reads an event, a link or the status of a span.
func fastPart(r *fieldReader, s *tracepb.Span) bool {
	switch r.tag {
	case bytesField(11):
		s.Events = append(s.Events, &tracepb.Span_Event{})
		return unmarshalPart.Unmarshal(r.content(), s.Events[len(s.Events)-1]) == nil
	case bytesField(13):
		s.Links = append(s.Links, &tracepb.Span_Link{})
		return unmarshalPart.Unmarshal(r.content(), s.Links[len(s.Links)-1]) == nil
	case bytesField(15):
		if s.Status != nil {
			return false // package proto would merge the message with the one before
		}
		s.Status = &tracepb.Status{}
		return unmarshalPart.Unmarshal(r.content(), s.Status) == nil
	}
	return false
}

// fieldAttributes is the number of a span's attributes.
const fieldAttributes protowire.Number = 9
