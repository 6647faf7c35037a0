package otlppb

import (
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// span reads a span into p, as far as it can be read.
func (d *jsonDecoder) span(raw string, p *tracepb.Span) {
	for key, v := range d.members("span", raw) {
		switch key {
		case "traceId":
			p.TraceId = d.id(key, v)
		case "spanId":
			p.SpanId = d.id(key, v)
		case "parentSpanId":
			p.ParentSpanId = d.id(key, v)
		case "traceState":
			p.TraceState = d.text(key, v)
		case "flags":
			p.Flags = d.uint32(key, v)
		case "name":
			p.Name = d.text(key, v)
		case "kind":
			p.Kind = tracepb.Span_SpanKind(d.enum(key, v, tracepb.Span_SpanKind_value))
		case "startTimeUnixNano":
			p.StartTimeUnixNano = d.uint64(key, v)
		case "endTimeUnixNano":
			p.EndTimeUnixNano = d.uint64(key, v)
		default:
			d.spanLists(key, v, p)
		}
	}
}

// spanLists reads the members of a span that are lists, their counts, and the status.
func (d *jsonDecoder) spanLists(key, v string, p *tracepb.Span) {
	switch key {
	case "attributes":
		p.Attributes = d.attributes(v, 0)
	case "droppedAttributesCount":
		p.DroppedAttributesCount = d.uint32(key, v)
	case "events":
		p.Events = nil
		for e := range d.objects(key, v) {
			p.Events = append(p.Events, d.event(e))
		}
	case "droppedEventsCount":
		p.DroppedEventsCount = d.uint32(key, v)
	case "links":
		p.Links = nil
		for e := range d.objects(key, v) {
			p.Links = append(p.Links, d.link(e))
		}
	case "droppedLinksCount":
		p.DroppedLinksCount = d.uint32(key, v)
	case "status":
		p.Status = d.status(v)
	}
}

func (d *jsonDecoder) event(raw string) *tracepb.Span_Event {
	p := &tracepb.Span_Event{}
	for key, v := range d.members("event", raw) {
		switch key {
		case "timeUnixNano":
			p.TimeUnixNano = d.uint64(key, v)
		case "name":
			p.Name = d.text(key, v)
		case "attributes":
			p.Attributes = d.attributes(v, 0)
		case "droppedAttributesCount":
			p.DroppedAttributesCount = d.uint32(key, v)
		}
	}
	return p
}

func (d *jsonDecoder) link(raw string) *tracepb.Span_Link {
	p := &tracepb.Span_Link{}
	for key, v := range d.members("link", raw) {
		switch key {
		case "traceId":
			p.TraceId = d.id(key, v)
		case "spanId":
			p.SpanId = d.id(key, v)
		case "traceState":
			p.TraceState = d.text(key, v)
		case "flags":
			p.Flags = d.uint32(key, v)
		case "attributes":
			p.Attributes = d.attributes(v, 0)
		case "droppedAttributesCount":
			p.DroppedAttributesCount = d.uint32(key, v)
		}
	}
	return p
}

func (d *jsonDecoder) status(raw string) *tracepb.Status {
	p := &tracepb.Status{}
	for key, v := range d.members("status", raw) {
		switch key {
		case "message":
			p.Message = d.text(key, v)
		case "code":
			p.Code = tracepb.Status_StatusCode(d.enum(key, v, tracepb.Status_StatusCode_value))
		}
	}
	return p
}
