package otlppb

import (
	"errors"
	"fmt"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Field numbers of the OTLP messages.
const (
	fieldResourceSpans protowire.Number = 1 // of the request
	fieldScopeSpans    protowire.Number = 2 // of ResourceSpans
	fieldSpans         protowire.Number = 2 // of ScopeSpans
	fieldTraceID       protowire.Number = 1 // of Span
	fieldSpanID        protowire.Number = 2
	fieldName          protowire.Number = 5
)

// unmarshal reads a message. Its recursion limit is higher than maxDepth, so that a
// value that is nested too deeply is refused with its span.
var unmarshal = proto.UnmarshalOptions{RecursionLimit: 1000}

// Parse reads an ExportTraceServiceRequest (or TracesData) in protobuf's binary form.
// A span that cannot be read, for example because a text is not UTF-8, is returned as
// refused and does not affect the others. An error means that the body as a whole cannot
// be read.
func Parse(body []byte) (messages []*tracepb.ResourceSpans, refused []*SpanError, err error) {
	if messages, ok := parseFast(body); ok {
		return messages, nil, nil
	}
	all := &tracepb.TracesData{}
	if unmarshal.Unmarshal(body, all) == nil {
		return all.GetResourceSpans(), nil, nil
	}
	_, parts, err := cut(body, fieldResourceSpans)
	if err != nil {
		return nil, nil, err
	}
	for _, part := range parts {
		message, bad, err := parseResourceSpans(part)
		if err != nil {
			return nil, nil, err
		}
		messages, refused = append(messages, message), append(refused, bad...)
	}
	return messages, refused, nil
}

// parseResourceSpans reads a ResourceSpans span by span.
func parseResourceSpans(body []byte) (message *tracepb.ResourceSpans, refused []*SpanError, err error) {
	rest, parts, err := cut(body, fieldScopeSpans)
	if err != nil {
		return nil, nil, err
	}
	message = &tracepb.ResourceSpans{}
	bad := inContext("the resource cannot be read", unmarshal.Unmarshal(rest, message))
	for _, part := range parts {
		rest, spans, err := cut(part, fieldSpans)
		if err != nil {
			return nil, nil, err
		}
		ofScope := &tracepb.ScopeSpans{}
		bad := errors.Join(bad, inContext("the scope cannot be read", unmarshal.Unmarshal(rest, ofScope)))
		for _, raw := range spans {
			span := &tracepb.Span{}
			err := unmarshal.Unmarshal(raw, span)
			if bad != nil {
				err = bad
			}
			if err != nil {
				refused = append(refused, spanErrorOf(raw, err))
				continue
			}
			ofScope.Spans = append(ofScope.Spans, span)
		}
		message.ScopeSpans = append(message.ScopeSpans, ofScope)
	}
	return message, refused, nil
}

func inContext(text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", text, err)
}

// spanErrorOf returns the error for a span that cannot be read. The error names the span
// by those of its members that can be read.
func spanErrorOf(raw []byte, err error) *SpanError {
	e := &SpanError{Err: err}
	_ = fields(raw, func(number protowire.Number, _ []byte, content []byte) {
		switch number {
		case fieldTraceID:
			e.TraceID = content
		case fieldSpanID:
			e.SpanID = content
		case fieldName:
			e.Name = string(content)
		}
	})
	return e
}

// cut splits a message into the contents of one field and all other fields.
func cut(message []byte, number protowire.Number) (rest []byte, parts [][]byte, err error) {
	err = fields(message, func(n protowire.Number, whole, content []byte) {
		if n == number && content != nil {
			parts = append(parts, content)
			return
		}
		rest = append(rest, whole...)
	})
	return rest, parts, err
}

// fields calls yield for each field of a message, with the number and all bytes of the
// field. content is not nil if the field has the wire type of texts and messages.
func fields(message []byte, yield func(number protowire.Number, whole, content []byte)) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		whole := message[:n+size]
		var content []byte
		if kind == protowire.BytesType {
			content, _ = protowire.ConsumeBytes(message[n:])
			content = content[:len(content):len(content)]
			if content == nil {
				content = []byte{}
			}
		}
		yield(number, whole, content)
		message = message[n+size:]
	}
	return nil
}
