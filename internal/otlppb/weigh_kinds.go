package otlppb

import "google.golang.org/protobuf/encoding/protowire"

// A messageKind describes the memory of a type of OTLP message.
type messageKind struct {
	memory  int64 // of one message: decoded, as a part of a span, and in a notification
	members []messageMember
	group   bool // holds spans; its own texts belong to each of them
	shared  bool // belongs to each span of its group
	span    bool
}

// A messageMember is a field that holds messages, or texts if kind is nil.
type messageMember struct {
	number      protowire.Number
	name, snake string // in JSON
	kind        *messageKind
}

func textMember(number protowire.Number, name, snake string) messageMember {
	return messageMember{number, name, snake, nil}
}

func (k *messageKind) byNumber(number protowire.Number) (m messageMember, ok bool) {
	for _, m := range k.members {
		if m.number == number {
			return m, true
		}
	}
	return m, false
}

func (k *messageKind) byName(name string) (m messageMember, ok bool) {
	for _, m := range k.members {
		if m.name == name || m.snake == name {
			return m, true
		}
	}
	return m, false
}

// requestKind is the messageKind of an ExportTraceServiceRequest.
var requestKind = newRequestKind()

func newRequestKind() *messageKind {
	value, keyValue := &messageKind{memory: 200}, &messageKind{memory: 250}
	values := &messageKind{memory: 100, members: []messageMember{{1, "values", "", value}}}
	members := &messageKind{memory: 100, members: []messageMember{{1, "values", "", keyValue}}}
	value.members = []messageMember{
		textMember(1, "stringValue", "string_value"), textMember(7, "bytesValue", "bytes_value"),
		{5, "arrayValue", "array_value", values}, {6, "kvlistValue", "kvlist_value", members},
	}
	keyValue.members = []messageMember{textMember(1, "key", ""), {2, "value", "", value}}
	attributes := func(number protowire.Number) messageMember {
		return messageMember{number, "attributes", "", keyValue}
	}
	event := &messageKind{memory: 450, members: []messageMember{textMember(2, "name", ""), attributes(3)}}
	link := &messageKind{memory: 700, members: []messageMember{
		textMember(1, "traceId", "trace_id"), textMember(2, "spanId", "span_id"), textMember(3, "traceState", "trace_state"), attributes(4),
	}}
	status := &messageKind{memory: 150, members: []messageMember{textMember(2, "message", "")}}
	span := &messageKind{memory: 2400, span: true, members: []messageMember{
		textMember(1, "traceId", "trace_id"), textMember(2, "spanId", "span_id"), textMember(3, "traceState", "trace_state"),
		textMember(4, "parentSpanId", "parent_span_id"), textMember(5, "name", ""), attributes(9),
		{11, "events", "", event}, {13, "links", "", link}, {15, "status", "", status},
	}}
	scope := &messageKind{memory: 300, shared: true, members: []messageMember{textMember(1, "name", ""), textMember(2, "version", ""), attributes(3)}}
	scopeSpans := &messageKind{memory: 500, group: true, members: []messageMember{
		{1, "scope", "", scope}, {fieldSpans, "spans", "", span}, textMember(3, "schemaUrl", "schema_url"),
	}}
	entity := &messageKind{memory: 200, members: []messageMember{textMember(1, "", ""), textMember(2, "", ""), textMember(3, "", ""), textMember(4, "", "")}}
	resource := &messageKind{memory: 300, shared: true, members: []messageMember{attributes(1), {3, "", "", entity}}}
	resourceSpans := &messageKind{memory: 600, group: true, members: []messageMember{
		{1, "resource", "", resource}, {fieldScopeSpans, "scopeSpans", "scope_spans", scopeSpans}, textMember(3, "schemaUrl", "schema_url"),
	}}
	return &messageKind{members: []messageMember{{fieldResourceSpans, "resourceSpans", "resource_spans", resourceSpans}}}
}
