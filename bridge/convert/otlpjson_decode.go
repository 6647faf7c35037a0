package convert

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// decodeTracesData reads OTLP/JSON TracesData of exactly one span.
func decodeTracesData(text string) (*Span, error) {
	raw, err := pyjson.One(text)
	if err != nil {
		return nil, err
	}
	resourceSpans, err := only(raw, "resourceSpans")
	if err != nil {
		return nil, err
	}
	scopeSpans, err := only(resourceSpans, "scopeSpans")
	if err != nil {
		return nil, err
	}
	rawSpan, err := only(scopeSpans, "spans")
	if err != nil {
		return nil, err
	}
	d := decoder{}
	s := d.span(rawSpan)
	s.Resource = d.resource(resourceSpans)
	s.InstrumentationScope = d.scope(scopeSpans)
	return s, d.err
}

// only returns the element of a member that is a list of one object.
func only(object, key string) (string, error) {
	list, _ := pyjson.Get(object, key)
	count, first := 0, ""
	for e := range pyjson.Elements(list) {
		if count == 0 {
			first = e
		}
		count++
	}
	if count != 1 || pyjson.KindOf(first) != pyjson.Object {
		return "", fmt.Errorf("OTLP/JSON of one span should have one object in %s, not %d", key, count)
	}
	return first, nil
}

// A decoder keeps the first error of its methods. A method that fails returns the zero value.
type decoder struct{ err error }

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) span(raw string) *Span {
	s := &Span{}
	context := trace.SpanContextConfig{}
	var parentID trace.SpanID
	var flags uint64
	for key, v := range pyjson.Members(raw) {
		switch key {
		case "traceId":
			d.id(v, context.TraceID[:])
		case "spanId":
			d.id(v, context.SpanID[:])
		case "parentSpanId":
			d.id(v, parentID[:])
		case "traceState":
			context.TraceState = d.traceState(d.text(v))
		case "flags":
			flags = d.uint(v)
		case "name":
			s.Name = d.text(v)
		case "kind":
			s.SpanKind = kindOf(d.uint(v))
		case "startTimeUnixNano":
			s.StartTime = d.time(v)
		case "endTimeUnixNano":
			s.EndTime = d.time(v)
		case "attributes":
			s.Attributes = d.attributes(v, 0)
		case "droppedAttributesCount":
			s.DroppedAttributes = d.count(v)
		case "events":
			s.Events = d.events(v)
		case "droppedEventsCount":
			s.DroppedEvents = d.count(v)
		case "links":
			s.Links = d.links(v)
		case "droppedLinksCount":
			s.DroppedLinks = d.count(v)
		case "status":
			s.Status = d.status(v)
		}
	}
	context.TraceFlags = trace.TraceFlags(flags & 0xFF)
	s.SpanContext = trace.NewSpanContext(context)
	remote := uint32(flags)&isRemoteMask != 0
	s.restoreExtras(parentOf(context, parentID, remote))
	return s
}

// parentOf makes the parent's span context. Without a span id there is no parent,
// but the context may still be remote.
func parentOf(child trace.SpanContextConfig, id trace.SpanID, remote bool) trace.SpanContextConfig {
	parent := trace.SpanContextConfig{SpanID: id, Remote: remote}
	if id.IsValid() {
		parent.TraceID, parent.TraceFlags, parent.TraceState = child.TraceID, child.TraceFlags, child.TraceState
	}
	return parent
}

func kindOf(n uint64) trace.SpanKind {
	if n < uint64(trace.SpanKindInternal) || n > uint64(trace.SpanKindConsumer) {
		return trace.SpanKindUnspecified
	}
	return trace.SpanKind(n)
}

func (d *decoder) events(list string) (events []sdktrace.Event) {
	for raw := range pyjson.Elements(list) {
		e := sdktrace.Event{}
		for key, v := range pyjson.Members(raw) {
			switch key {
			case "name":
				e.Name = d.text(v)
			case "timeUnixNano":
				e.Time = d.time(v)
			case "attributes":
				e.Attributes = d.attributes(v, 0)
			case "droppedAttributesCount":
				e.DroppedAttributeCount = d.count(v)
			}
		}
		events = append(events, e)
	}
	return events
}

func (d *decoder) links(list string) (links []sdktrace.Link) {
	for raw := range pyjson.Elements(list) {
		l, context := sdktrace.Link{}, trace.SpanContextConfig{}
		for key, v := range pyjson.Members(raw) {
			switch key {
			case "traceId":
				d.id(v, context.TraceID[:])
			case "spanId":
				d.id(v, context.SpanID[:])
			case "traceState":
				context.TraceState = d.traceState(d.text(v))
			case "flags":
				flags := uint32(d.uint(v))
				context.TraceFlags = trace.TraceFlags(flags & 0xFF)
				context.Remote = flags&isRemoteMask != 0
			case "attributes":
				l.Attributes = d.attributes(v, 0)
			case "droppedAttributesCount":
				l.DroppedAttributeCount = d.count(v)
			}
		}
		l.SpanContext = trace.NewSpanContext(context)
		links = append(links, l)
	}
	return links
}

func (d *decoder) status(raw string) (st sdktrace.Status) {
	for key, v := range pyjson.Members(raw) {
		switch key {
		case "code":
			switch d.uint(v) {
			case uint64(statusCode(codes.Ok)):
				st.Code = codes.Ok
			case uint64(statusCode(codes.Error)):
				st.Code = codes.Error
			}
		case "message":
			st.Description = d.text(v)
		}
	}
	return st
}

func (d *decoder) resource(resourceSpans string) *resource.Resource {
	schemaURL, _ := pyjson.Get(resourceSpans, "schemaUrl")
	raw, ok := pyjson.Get(resourceSpans, "resource")
	if !ok {
		return nil
	}
	list, _ := pyjson.Get(raw, "attributes")
	return resource.NewWithAttributes(d.text(schemaURL), d.attributes(list, 0)...)
}

func (d *decoder) scope(scopeSpans string) (sc instrumentation.Scope) {
	raw, _ := pyjson.Get(scopeSpans, "scope")
	for key, v := range pyjson.Members(raw) {
		switch key {
		case "name":
			sc.Name = d.text(v)
		case "version":
			sc.Version = d.text(v)
		case "attributes":
			sc.Attributes = attribute.NewSet(d.attributes(v, 0)...)
		}
	}
	schemaURL, _ := pyjson.Get(scopeSpans, "schemaUrl")
	sc.SchemaURL = d.text(schemaURL)
	return sc
}

// maxDepth is the number of lists and maps that may be nested in an attribute.
const maxDepth = 100

func (d *decoder) attributes(list string, depth int) []attribute.KeyValue {
	if pyjson.KindOf(list) != pyjson.Array {
		return nil
	}
	attrs := []attribute.KeyValue{}
	for raw := range pyjson.Elements(list) {
		key, _ := pyjson.Get(raw, "key")
		value, _ := pyjson.Get(raw, "value")
		attrs = append(attrs, attribute.KeyValue{Key: attribute.Key(d.text(key)), Value: d.value(value, depth)})
	}
	return attrs
}

func (d *decoder) value(raw string, depth int) attribute.Value {
	if depth > maxDepth {
		d.fail(fmt.Errorf("an attribute is nested more than %d levels deep", maxDepth))
		return attribute.Value{}
	}
	for key, v := range pyjson.Members(raw) {
		switch key {
		case "stringValue":
			return attribute.StringValue(d.text(v))
		case "intValue":
			return attribute.Int64Value(d.int(v))
		case "boolValue":
			return attribute.BoolValue(v == "true")
		case "doubleValue":
			return attribute.Float64Value(d.double(v))
		case "bytesValue":
			bytes, err := base64.StdEncoding.DecodeString(d.text(v))
			if err != nil {
				d.fail(fmt.Errorf("bytesValue: %w", err))
			}
			return attribute.ByteSliceValue(bytes)
		case "arrayValue":
			list, _ := pyjson.Get(v, "values")
			return d.array(list, depth+1)
		case "kvlistValue":
			list, _ := pyjson.Get(v, "values")
			return attribute.MapValue(d.attributes(list, depth+1)...)
		}
	}
	return attribute.Value{}
}

// array returns a list of one element type as a Go slice of that type.
func (d *decoder) array(list string, depth int) attribute.Value {
	var values []attribute.Value
	kind, mixed := attribute.STRING, false
	for raw := range pyjson.Elements(list) {
		v := d.value(raw, depth)
		if len(values) == 0 {
			kind = v.Type()
		}
		mixed = mixed || v.Type() != kind
		values = append(values, v)
	}
	switch {
	case mixed:
	case kind == attribute.STRING:
		return attribute.StringSliceValue(all(values, attribute.Value.AsString))
	case kind == attribute.INT64:
		return attribute.Int64SliceValue(all(values, attribute.Value.AsInt64))
	case kind == attribute.BOOL:
		return attribute.BoolSliceValue(all(values, attribute.Value.AsBool))
	case kind == attribute.FLOAT64:
		return attribute.Float64SliceValue(all(values, attribute.Value.AsFloat64))
	}
	return attribute.SliceValue(values...)
}

func all[T any](values []attribute.Value, as func(attribute.Value) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = as(v)
	}
	return out
}

func (d *decoder) id(raw string, id []byte) {
	text := d.text(raw)
	if text == "" {
		return
	}
	if len(text) != hex.EncodedLen(len(id)) {
		d.fail(fmt.Errorf("an id should have %d hexadecimal digits, not %q", 2*len(id), text))
		return
	}
	if _, err := hex.Decode(id, []byte(text)); err != nil {
		d.fail(err)
	}
}

func (d *decoder) traceState(text string) trace.TraceState {
	state, err := trace.ParseTraceState(text)
	if err != nil {
		d.fail(err)
	}
	return state
}

// text reads a string. A missing string is empty.
func (d *decoder) text(raw string) string {
	if raw == "" {
		return ""
	}
	text, ok := pyjson.Text(raw)
	if !ok {
		d.fail(errors.New("OTLP/JSON has another type where a string should be"))
	}
	return text
}

// digits reads the digits of a number. OTLP/JSON writes 64-bit numbers in quotes.
func (d *decoder) digits(raw string) string {
	if text, ok := pyjson.Text(raw); ok {
		return text
	}
	return raw
}

func (d *decoder) uint(raw string) uint64 {
	n, err := strconv.ParseUint(d.digits(raw), 10, 64)
	if err != nil {
		d.fail(err)
	}
	return n
}

func (d *decoder) int(raw string) int64 {
	n, err := strconv.ParseInt(d.digits(raw), 10, 64)
	if err != nil {
		d.fail(err)
	}
	return n
}

func (d *decoder) count(raw string) int { return int(uint32(d.uint(raw))) }

func (d *decoder) double(raw string) float64 {
	f, err := strconv.ParseFloat(d.digits(raw), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		d.fail(err)
	}
	return f
}

func (d *decoder) time(raw string) time.Time {
	return time.Unix(0, d.int(raw)).UTC()
}
