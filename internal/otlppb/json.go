package otlppb

import (
	"fmt"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// ParseJSON is Parse for the JSON form of OTLP: ids in hexadecimal digits, enums as
// numbers or by their names, 64-bit integers as numbers or in quotes, names of members
// in camel case or with underscores. Unknown members are ignored, and null stands for
// the default. An error means that the body as a whole cannot be read.
func ParseJSON(body string) (messages []*tracepb.ResourceSpans, refused []*SpanError, err error) {
	raw, err := pyjson.One(body)
	if err != nil {
		return nil, nil, err
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return nil, nil, fmt.Errorf("the body should be a JSON object with the member resourceSpans, not %s", jsonKind(raw))
	}
	d := &jsonDecoder{}
	for key, v := range d.members("body", raw) {
		if key == "resourceSpans" {
			for e := range d.objects(key, v) {
				messages = append(messages, d.resourceSpans(e))
			}
		}
	}
	return messages, d.refused, d.err
}

// jsonKind names the kind of a JSON value in errors.
func jsonKind(raw string) string {
	switch raw[0] {
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f', 'n':
		return raw
	}
	return "a number"
}

// A jsonDecoder keeps the first error of its methods. A method that fails returns the
// default.
type jsonDecoder struct {
	err     error
	refused []*SpanError
}

func (d *jsonDecoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// within calls read and returns the first error of read, separately from the errors
// outside of read.
func (d *jsonDecoder) within(read func()) error {
	outer := d.err
	d.err = nil
	read()
	err := d.err
	d.err = outer
	return err
}

func (d *jsonDecoder) resourceSpans(raw string) *tracepb.ResourceSpans {
	message := &tracepb.ResourceSpans{}
	var ofScopes []string
	bad := inContext("the resource cannot be read", d.within(func() {
		for key, v := range d.members("resourceSpans", raw) {
			switch key {
			case "resource":
				message.Resource = d.resource(v)
			case "schemaUrl":
				message.SchemaUrl = d.text(key, v)
			case "scopeSpans":
				ofScopes = append(ofScopes, v)
			}
		}
	}))
	for _, list := range ofScopes {
		for e := range d.objects("scopeSpans", list) {
			message.ScopeSpans = append(message.ScopeSpans, d.scopeSpans(e, bad))
		}
	}
	return message
}

// scopeSpans reads a ScopeSpans. bad is the error of its resource, for which all spans
// are refused.
func (d *jsonDecoder) scopeSpans(raw string, bad error) *tracepb.ScopeSpans {
	message := &tracepb.ScopeSpans{}
	var lists []string
	err := inContext("the scope cannot be read", d.within(func() {
		for key, v := range d.members("scopeSpans", raw) {
			switch key {
			case "scope":
				message.Scope = d.scope(v)
			case "schemaUrl":
				message.SchemaUrl = d.text(key, v)
			case "spans":
				lists = append(lists, v)
			}
		}
	}))
	if bad == nil {
		bad = err
	}
	for _, list := range lists {
		for e := range d.objects("spans", list) {
			span := &tracepb.Span{}
			err := d.within(func() { d.span(e, span) })
			if bad != nil {
				err = bad
			}
			if err != nil {
				d.refused = append(d.refused, &SpanError{TraceID: span.TraceId, SpanID: span.SpanId, Name: span.Name, Err: err})
				continue
			}
			message.Spans = append(message.Spans, span)
		}
	}
	return message
}

func (d *jsonDecoder) resource(raw string) *resourcepb.Resource {
	message := &resourcepb.Resource{}
	for key, v := range d.members("resource", raw) {
		switch key {
		case "attributes":
			message.Attributes = d.attributes(v, 0)
		case "droppedAttributesCount":
			message.DroppedAttributesCount = d.uint32(key, v)
		}
	}
	return message
}

func (d *jsonDecoder) scope(raw string) *commonpb.InstrumentationScope {
	message := &commonpb.InstrumentationScope{}
	for key, v := range d.members("scope", raw) {
		switch key {
		case "name":
			message.Name = d.text(key, v)
		case "version":
			message.Version = d.text(key, v)
		case "attributes":
			message.Attributes = d.attributes(v, 0)
		case "droppedAttributesCount":
			message.DroppedAttributesCount = d.uint32(key, v)
		}
	}
	return message
}
