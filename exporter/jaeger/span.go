package jaeger

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// spanOf returns the span in Jaeger's form. Jaeger's own OTLP receiver makes the same
// tags, except the tags that a Python driver sends (see pythonTags).
func spanOf(s sdktrace.ReadOnlySpan) *jaeger.Span {
	sc := s.SpanContext()
	high, low := traceIDOf(sc.TraceID())
	out := &jaeger.Span{
		TraceIdHigh: high, TraceIdLow: low, SpanId: spanIDOf(sc.SpanID()), ParentSpanId: spanIDOf(s.Parent().SpanID()),
		OperationName: valid(s.Name()), Flags: int32(sc.TraceFlags()),
	}
	out.Tags = appendAttributes(make([]*jaeger.Tag, 0, len(s.Attributes())+12), s.Attributes())
	out.Tags = appendScope(out.Tags, s)
	out.Tags = appendKind(out.Tags, s.SpanKind())
	out.Tags = appendStatus(out.Tags, s.Status())
	if state := sc.TraceState().String(); state != "" {
		out.Tags = append(out.Tags, textTag("w3c.tracestate", state))
	}
	out.Tags = appendDropped(out.Tags, s)
	setTimes(out, s.StartTime(), s.EndTime())
	out.Logs = logsOf(s.Events())
	out.References = referencesOf(s.Links())
	if convert.OfNotifications(s) {
		addPython(out, s)
	}
	return out
}

func traceIDOf(id trace.TraceID) (high, low int64) {
	return int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:]))
}

func spanIDOf(id trace.SpanID) int64 { return int64(binary.BigEndian.Uint64(id[:])) }

// appendScope appends the instrumentation scope. Attributes of the scope have its prefix,
// because a span's own attributes may have the same names.
func appendScope(tags []*jaeger.Tag, s sdktrace.ReadOnlySpan) []*jaeger.Tag {
	const prefix = "otel.scope."
	scope := s.InstrumentationScope()
	tags = appendText(tags, prefix+"name", scope.Name)
	tags = appendText(tags, prefix+"version", scope.Version)
	tags = appendText(tags, prefix+"schema_url", scope.SchemaURL)
	for _, kv := range scope.Attributes.ToSlice() {
		kv.Key = prefix + "attributes." + kv.Key
		tags = append(tags, tagOf(kv))
	}
	return tags
}

func appendKind(tags []*jaeger.Tag, kind trace.SpanKind) []*jaeger.Tag {
	if kind == trace.SpanKindUnspecified {
		return tags
	}
	return append(tags, textTag("span.kind", kind.String()))
}

func appendStatus(tags []*jaeger.Tag, status sdktrace.Status) []*jaeger.Tag {
	switch status.Code {
	case codes.Error:
		tags = append(tags, textTag("otel.status_code", "ERROR"))
		tags = setTag(tags, boolTag("error", true))
	case codes.Ok:
		tags = append(tags, textTag("otel.status_code", "OK"))
	}
	return appendText(tags, "otel.status_description", status.Description)
}

func appendDropped(tags []*jaeger.Tag, s sdktrace.ReadOnlySpan) []*jaeger.Tag {
	tags = appendCount(tags, "otel.dropped_attributes_count", s.DroppedAttributes())
	tags = appendCount(tags, "otel.dropped_events_count", s.DroppedEvents())
	return appendCount(tags, "otel.dropped_links_count", s.DroppedLinks())
}

// latest is the last time that Jaeger can show: its API counts the nanoseconds since
// 1970 in 64 bits. It shows earlier times than 1970 as times far in the future.
var latest = time.Unix(0, math.MaxInt64).Truncate(time.Second)

// setTimes sets the start and the duration, in microseconds. Jaeger cannot show a time
// before 1970 or after 2262, and shows a span that ends before it starts as one of
// 584,000 years. So such a time is replaced, and a tag has the real time.
func setTimes(span *jaeger.Span, start, end time.Time) {
	shownStart, shownEnd := shownTime(start), shownTime(end)
	if shownEnd.Before(shownStart) {
		shownEnd = shownStart
	}
	span.StartTime = shownStart.UnixMicro()
	span.Duration = shownEnd.UnixMicro() - span.StartTime
	if !shownStart.Equal(start) {
		span.Tags = append(span.Tags, textTag("otel.start_time", start.UTC().Format(time.RFC3339Nano)))
	}
	if !shownEnd.Equal(end) {
		span.Tags = append(span.Tags, textTag("otel.end_time", end.UTC().Format(time.RFC3339Nano)))
	}
}

func shownTime(t time.Time) time.Time {
	switch {
	case t.Before(time.Unix(0, 0)):
		return time.Unix(0, 0)
	case t.After(latest):
		return latest
	}
	return t
}

// logsOf returns the events as logs. Their field event is the name, as in Jaeger's OTLP
// receiver.
func logsOf(events []sdktrace.Event) []*jaeger.Log {
	logs := make([]*jaeger.Log, len(events))
	for i, e := range events {
		fields := make([]*jaeger.Tag, 0, len(e.Attributes)+2)
		if !hasAttribute(e.Attributes, eventKey) {
			fields = appendText(fields, eventKey, e.Name)
		}
		fields = appendAttributes(fields, e.Attributes)
		fields = appendCount(fields, "otel.event.dropped_attributes_count", e.DroppedAttributeCount)
		logs[i] = &jaeger.Log{Timestamp: shownTime(e.Time).UnixMicro(), Fields: fields}
	}
	return logs
}

const eventKey = "event"

func hasAttribute(attrs []attribute.KeyValue, key attribute.Key) bool {
	for _, kv := range attrs {
		if kv.Key == key {
			return true
		}
	}
	return false
}

// referencesOf returns the links as references. A reference has no place for a link's
// attributes and trace state. A link to another trace by its id alone has span id 0.
func referencesOf(links []sdktrace.Link) []*jaeger.SpanRef {
	var references []*jaeger.SpanRef
	for _, link := range links {
		high, low := traceIDOf(link.SpanContext.TraceID())
		references = append(references, &jaeger.SpanRef{
			RefType: jaeger.SpanRefType_FOLLOWS_FROM, TraceIdHigh: high, TraceIdLow: low, SpanId: spanIDOf(link.SpanContext.SpanID()),
		})
	}
	return references
}

// valid replaces what is no UTF-8, which Jaeger's own transports refuse.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
