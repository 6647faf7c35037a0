package convert

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// The encoder writes OTLP/JSON TracesData in the form that it has inside a JSON string, with
// every quote escaped, so that info.otel is written in one pass. It follows the JSON encoding
// of the OTLP specification: ids in hex, 64-bit integers as strings, enums as numbers, default
// values omitted.

const hasRemoteMask = uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
const isRemoteMask = uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)

// appendTracesData appends the TracesData of one span with these attributes.
func appendTracesData(b []byte, s sdktrace.ReadOnlySpan, attrs []attribute.KeyValue, resource *resourceText) []byte {
	b = append(b, `{\"resourceSpans\":[{`...)
	b = append(b, resource.otlp...)
	b = append(b, `\"scopeSpans\":[{`...)
	b = appendScope(b, s.InstrumentationScope())
	b = append(b, `\"spans\":[`...)
	b = appendSpan(b, s, attrs)
	return append(b, `]}]}]}`...)
}

// appendResource appends the members of resourceSpans that describe the resource.
func appendResource(b []byte, r *resource.Resource) []byte {
	if r == nil {
		return b
	}
	b = appendAttributes(append(b, `\"resource\":{`...), `\"attributes\":[`, r.Attributes())
	b = append(b, `},`...)
	if r.SchemaURL() != "" {
		b = append(appendText(b, `\"schemaUrl\":\"`, r.SchemaURL()), ',')
	}
	return b
}

func appendScope(b []byte, sc instrumentation.Scope) []byte {
	if sc == (instrumentation.Scope{}) {
		return b
	}
	b = appendText(append(b, `\"scope\":{`...), `\"name\":\"`, sc.Name)
	b = appendOptional(b, `,\"version\":\"`, sc.Version)
	if sc.Attributes.Len() > 0 {
		b = appendAttributes(b, `,\"attributes\":[`, sc.Attributes.ToSlice())
	}
	b = append(b, `},`...)
	if sc.SchemaURL != "" {
		b = append(appendText(b, `\"schemaUrl\":\"`, sc.SchemaURL), ',')
	}
	return b
}

func appendSpan(b []byte, s sdktrace.ReadOnlySpan, attrs []attribute.KeyValue) []byte {
	sc, parent := s.SpanContext(), s.Parent()
	b = appendIDs(append(b, '{'), sc)
	if id := parent.SpanID(); id.IsValid() {
		b = hex.AppendEncode(append(b, `,\"parentSpanId\":\"`...), id[:])
		b = append(b, `\"`...)
	}
	b = appendFlags(b, sc.TraceFlags(), parent.IsRemote())
	b = appendText(b, `,\"name\":\"`, s.Name())
	b = appendCount(b, `,\"kind\":`, int(spanKind(s.SpanKind())))
	b = appendTime(b, `,\"startTimeUnixNano\":\"`, s.StartTime())
	b = appendTime(b, `,\"endTimeUnixNano\":\"`, s.EndTime())
	var room [maxExtras]attribute.KeyValue
	b = appendAttributes(b, `,\"attributes\":[`, attrs, appendExtras(room[:0], s, attrs))
	b = appendCount(b, `,\"droppedAttributesCount\":`, s.DroppedAttributes())
	b = appendEvents(b, s.Events())
	b = appendCount(b, `,\"droppedEventsCount\":`, s.DroppedEvents())
	b = appendLinks(b, s.Links())
	b = appendCount(b, `,\"droppedLinksCount\":`, s.DroppedLinks())
	b = appendStatus(b, s.Status())
	return append(b, '}')
}

func appendIDs(b []byte, sc trace.SpanContext) []byte {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	b = hex.AppendEncode(append(b, `\"traceId\":\"`...), traceID[:])
	b = hex.AppendEncode(append(b, `\",\"spanId\":\"`...), spanID[:])
	b = append(b, `\"`...)
	if sc.TraceState().Len() > 0 {
		b = appendText(b, `,\"traceState\":\"`, sc.TraceState().String())
	}
	return b
}

func appendFlags(b []byte, flags trace.TraceFlags, remote bool) []byte {
	bits := uint32(flags) | hasRemoteMask
	if remote {
		bits |= isRemoteMask
	}
	return strconv.AppendUint(append(b, `,\"flags\":`...), uint64(bits), 10)
}

func appendEvents(b []byte, events []sdktrace.Event) []byte {
	if len(events) == 0 {
		return b
	}
	b = append(b, `,\"events\":[`...)
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, '{'), `\"name\":\"`, e.Name)
		b = appendTime(b, `,\"timeUnixNano\":\"`, e.Time)
		b = appendAttributes(b, `,\"attributes\":[`, e.Attributes)
		b = append(appendCount(b, `,\"droppedAttributesCount\":`, e.DroppedAttributeCount), '}')
	}
	return append(b, ']')
}

func appendLinks(b []byte, links []sdktrace.Link) []byte {
	if len(links) == 0 {
		return b
	}
	b = append(b, `,\"links\":[`...)
	for i, l := range links {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendIDs(append(b, '{'), l.SpanContext)
		b = appendFlags(b, l.SpanContext.TraceFlags(), l.SpanContext.IsRemote())
		b = appendAttributes(b, `,\"attributes\":[`, l.Attributes)
		b = append(appendCount(b, `,\"droppedAttributesCount\":`, l.DroppedAttributeCount), '}')
	}
	return append(b, ']')
}

func appendStatus(b []byte, st sdktrace.Status) []byte {
	code, name := statusCode(st.Code), `\"message\":\"`
	b = append(b, `,\"status\":{`...)
	if code != 0 {
		b = appendCount(b, `\"code\":`, int(code))
		name = `,\"message\":\"`
	}
	return append(appendOptional(b, name, st.Description), '}')
}

func statusCode(c codes.Code) tracepb.Status_StatusCode {
	switch c {
	case codes.Ok:
		return tracepb.Status_STATUS_CODE_OK
	case codes.Error:
		return tracepb.Status_STATUS_CODE_ERROR
	default:
		return tracepb.Status_STATUS_CODE_UNSET
	}
}

// spanKind returns OTLP's number of a kind. It equals the API's number, but a kind that the
// API does not define is "unspecified".
func spanKind(k trace.SpanKind) tracepb.Span_SpanKind {
	if k < trace.SpanKindInternal || k > trace.SpanKindConsumer {
		return tracepb.Span_SPAN_KIND_UNSPECIFIED
	}
	return tracepb.Span_SpanKind(k)
}

// appendAttributes appends several lists of attributes as one list. name includes the opening
// bracket. Without attributes, the list is omitted.
func appendAttributes(b []byte, name string, lists ...[]attribute.KeyValue) []byte {
	opened := false
	for _, attrs := range lists {
		for i := range attrs {
			if opened {
				b = append(b, ',')
			} else {
				b, opened = append(b, name...), true
			}
			b = appendText(b, `{\"key\":\"`, string(attrs[i].Key))
			b = append(appendValue(append(b, `,\"value\":`...), attrs[i].Value), '}')
		}
	}
	if opened {
		b = append(b, ']')
	}
	return b
}

func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return appendString(b, v.AsString())
	case attribute.INT64:
		return appendInt(b, v.AsInt64())
	case attribute.BOOL:
		return appendBool(b, v.AsBool())
	case attribute.FLOAT64:
		return appendDouble(b, v.AsFloat64())
	case attribute.STRINGSLICE:
		return appendArray(b, v.AsStringSlice(), appendString)
	case attribute.INT64SLICE:
		return appendArray(b, v.AsInt64Slice(), appendInt)
	case attribute.BOOLSLICE:
		return appendArray(b, v.AsBoolSlice(), appendBool)
	case attribute.FLOAT64SLICE:
		return appendArray(b, v.AsFloat64Slice(), appendDouble)
	case attribute.SLICE:
		return appendArray(b, v.AsSlice(), appendValue)
	case attribute.BYTESLICE:
		b = base64.StdEncoding.AppendEncode(append(b, `{\"bytesValue\":\"`...), v.AsByteSlice())
		return append(b, `\"}`...)
	case attribute.MAP:
		b = appendAttributes(append(b, `{\"kvlistValue\":{`...), `\"values\":[`, v.AsMap())
		return append(b, `}}`...)
	default:
		return append(b, `{}`...)
	}
}

func appendArray[T any](b []byte, values []T, appendOne func([]byte, T) []byte) []byte {
	b = append(b, `{\"arrayValue\":{\"values\":[`...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendOne(b, v)
	}
	return append(b, `]}}`...)
}

func appendString(b []byte, s string) []byte {
	return append(appendText(b, `{\"stringValue\":\"`, s), '}')
}

func appendInt(b []byte, i int64) []byte {
	return append(strconv.AppendInt(append(b, `{\"intValue\":\"`...), i, 10), `\"}`...)
}

func appendBool(b []byte, v bool) []byte {
	return append(strconv.AppendBool(append(b, `{\"boolValue\":`...), v), '}')
}

func appendDouble(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(pyjson.AppendFloat(append(b, `{\"doubleValue\":\"`...), f), `\"}`...)
	}
	return append(pyjson.AppendFloat(append(b, `{\"doubleValue\":`...), f), '}')
}

// lastTime is the latest time whose nanoseconds fit into 64 bits.
var lastTime = time.Unix(0, math.MaxInt64)

// appendTime appends a time. The zero time of a span that has not ended is omitted. A time
// before 1970 becomes 0, because OTLP cannot represent it. A time after lastTime becomes
// lastTime.
func appendTime(b []byte, name string, t time.Time) []byte {
	nanoseconds := int64(0)
	switch {
	case t.IsZero():
		return b
	case t.After(lastTime):
		nanoseconds = math.MaxInt64
	case t.Year() >= 1970:
		nanoseconds = max(0, t.UnixNano())
	}
	return append(strconv.AppendInt(append(b, name...), nanoseconds, 10), `\"`...)
}

// appendCount appends a number, except OTLP's default, 0.
func appendCount(b []byte, name string, n int) []byte {
	if n <= 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), min(int64(n), math.MaxUint32), 10)
}

func appendOptional(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(b, name, s)
}

// appendText appends a string and its closing quote. name includes the opening quote. Quotes
// in the string are escaped twice.
func appendText(b []byte, name, s string) []byte {
	b = append(b, name...)
	if i := pyjson.VerbatimEnd(s, 0); i < len(s) {
		return appendEscaped(append(b, s[:i]...), s[i:])
	}
	return append(append(b, s...), `\"`...)
}

// appendEscaped appends the rest of a string, from its first byte that needs an
// escape, and the closing quote.
func appendEscaped(b []byte, s string) []byte {
	inner := pyjson.AppendStringUTF8(nil, s)
	return pyjson.AppendEscaped(b, inner[1:])
}
