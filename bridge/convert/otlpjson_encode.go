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

// The encoder writes OTLP/JSON TracesData as it stands *inside* a JSON string,
// every quote escaped, so that info.otel is written in one pass. It follows
// the OTLP specification's JSON encoding: ids in hex, 64-bit integers as
// strings, enums as numbers, default values left out.

// otlpWriter appends escaped OTLP/JSON to buf. Between the spans of one batch
// it remembers how the last resource was written.
type otlpWriter struct {
	buf          []byte
	lastResource *resource.Resource
	resourceText []byte
}

const hasRemoteMask = uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
const isRemoteMask = uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)

// tracesData writes the TracesData of one span, whose attributes are given
// apart since they may have been redacted.
func (w *otlpWriter) tracesData(s sdktrace.ReadOnlySpan, attrs []attribute.KeyValue, redact func([]attribute.KeyValue) []attribute.KeyValue) {
	w.raw(`{\"resourceSpans\":[{`)
	w.resource(s.Resource())
	w.raw(`\"scopeSpans\":[{`)
	w.scope(s.InstrumentationScope())
	w.raw(`\"spans\":[`)
	w.span(s, attrs, redact)
	w.raw(`]}]}]}`)
}

func (w *otlpWriter) raw(text string) { w.buf = append(w.buf, text...) }

func (w *otlpWriter) resource(r *resource.Resource) {
	if r == nil {
		return
	}
	if r != w.lastResource {
		start := len(w.buf)
		w.raw(`\"resource\":{`)
		w.attributes(`\"attributes\":`, r.Attributes(), nil, "")
		w.raw(`},`)
		w.optional(`\"schemaUrl\":`, r.SchemaURL(), `,`)
		w.lastResource, w.resourceText = r, append(w.resourceText[:0], w.buf[start:]...)
		return
	}
	w.buf = append(w.buf, w.resourceText...)
}

func (w *otlpWriter) scope(sc instrumentation.Scope) {
	if sc == (instrumentation.Scope{}) {
		return
	}
	w.raw(`\"scope\":{`)
	w.text(`\"name\":`, sc.Name)
	if sc.Version != "" {
		w.raw(`,`)
		w.text(`\"version\":`, sc.Version)
	}
	if sc.Attributes.Len() > 0 {
		w.attributes(`,\"attributes\":`, sc.Attributes.ToSlice(), nil, "")
	}
	w.raw(`},`)
	w.optional(`\"schemaUrl\":`, sc.SchemaURL, `,`)
}

func (w *otlpWriter) span(s sdktrace.ReadOnlySpan, attrs []attribute.KeyValue, redact func([]attribute.KeyValue) []attribute.KeyValue) {
	sc, parent := s.SpanContext(), s.Parent()
	w.raw(`{`)
	w.ids(sc)
	w.optional(`,\"traceState\":`, sc.TraceState().String(), "")
	if id := parent.SpanID(); id.IsValid() {
		w.raw(`,\"parentSpanId\":\"`)
		w.buf = append(hex.AppendEncode(w.buf, id[:]), `\"`...)
	}
	w.flags(sc.TraceFlags(), parent.IsRemote())
	w.raw(`,`)
	w.text(`\"name\":`, s.Name())
	w.count(`,\"kind\":`, int(spanKind(s.SpanKind())))
	w.time(`,\"startTimeUnixNano\":`, s.StartTime())
	w.time(`,\"endTimeUnixNano\":`, s.EndTime())
	w.attributes(`,\"attributes\":`, attrs, extraAttributes(s), "")
	w.count(`,\"droppedAttributesCount\":`, s.DroppedAttributes())
	w.events(s.Events(), redact)
	w.count(`,\"droppedEventsCount\":`, s.DroppedEvents())
	w.links(s.Links(), redact)
	w.count(`,\"droppedLinksCount\":`, s.DroppedLinks())
	w.status(s.Status())
	w.raw(`}`)
}

func (w *otlpWriter) ids(sc trace.SpanContext) {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	w.raw(`\"traceId\":\"`)
	w.buf = hex.AppendEncode(w.buf, traceID[:])
	w.raw(`\",\"spanId\":\"`)
	w.buf = append(hex.AppendEncode(w.buf, spanID[:]), `\"`...)
}

func (w *otlpWriter) flags(flags trace.TraceFlags, remote bool) {
	bits := uint32(flags) | hasRemoteMask
	if remote {
		bits |= isRemoteMask
	}
	w.raw(`,\"flags\":`)
	w.buf = strconv.AppendUint(w.buf, uint64(bits), 10)
}

func (w *otlpWriter) events(events []sdktrace.Event, redact func([]attribute.KeyValue) []attribute.KeyValue) {
	if len(events) == 0 {
		return
	}
	w.raw(`,\"events\":[`)
	for i, e := range events {
		if i > 0 {
			w.raw(`,`)
		}
		w.raw(`{`)
		w.text(`\"name\":`, e.Name)
		w.time(`,\"timeUnixNano\":`, e.Time)
		w.attributes(`,\"attributes\":`, redact(e.Attributes), nil, "")
		w.count(`,\"droppedAttributesCount\":`, e.DroppedAttributeCount)
		w.raw(`}`)
	}
	w.raw(`]`)
}

func (w *otlpWriter) links(links []sdktrace.Link, redact func([]attribute.KeyValue) []attribute.KeyValue) {
	if len(links) == 0 {
		return
	}
	w.raw(`,\"links\":[`)
	for i, l := range links {
		if i > 0 {
			w.raw(`,`)
		}
		w.raw(`{`)
		w.ids(l.SpanContext)
		w.optional(`,\"traceState\":`, l.SpanContext.TraceState().String(), "")
		w.flags(l.SpanContext.TraceFlags(), l.SpanContext.IsRemote())
		w.attributes(`,\"attributes\":`, redact(l.Attributes), nil, "")
		w.count(`,\"droppedAttributesCount\":`, l.DroppedAttributeCount)
		w.raw(`}`)
	}
	w.raw(`]`)
}

func (w *otlpWriter) status(st sdktrace.Status) {
	w.raw(`,\"status\":{`)
	comma := ""
	if code := statusCode(st.Code); code != 0 {
		w.count(`\"code\":`, int(code))
		comma = `,`
	}
	w.optional(comma+`\"message\":`, st.Description, "")
	w.raw(`}`)
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

// spanKind gives OTLP's number of a kind: the same as the API's, but that the
// API's own "unspecified" is sent as such.
func spanKind(k trace.SpanKind) tracepb.Span_SpanKind {
	if k < trace.SpanKindInternal || k > trace.SpanKindConsumer {
		return tracepb.Span_SPAN_KIND_UNSPECIFIED
	}
	return tracepb.Span_SpanKind(k) //nolint:gosec // 1 to 5
}

// attributes writes a list of attributes and, behind it, more of them; an
// empty list is left out.
func (w *otlpWriter) attributes(name string, attrs, more []attribute.KeyValue, end string) {
	if len(attrs)+len(more) == 0 {
		return
	}
	w.raw(name)
	w.raw(`[`)
	for i, kv := range attrs {
		if i > 0 {
			w.raw(`,`)
		}
		w.keyValue(kv)
	}
	for i, kv := range more {
		if i+len(attrs) > 0 {
			w.raw(`,`)
		}
		w.keyValue(kv)
	}
	w.raw(`]`)
	w.raw(end)
}

func (w *otlpWriter) keyValue(kv attribute.KeyValue) {
	w.text(`{\"key\":`, string(kv.Key))
	w.raw(`,\"value\":`)
	w.value(kv.Value)
	w.raw(`}`)
}

func (w *otlpWriter) value(v attribute.Value) {
	switch v.Type() {
	case attribute.STRING:
		w.stringValue(v.AsString())
	case attribute.INT64:
		w.intValue(v.AsInt64())
	case attribute.BOOL:
		w.boolValue(v.AsBool())
	case attribute.FLOAT64:
		w.doubleValue(v.AsFloat64())
	case attribute.STRINGSLICE:
		writeArray(w, v.AsStringSlice(), w.stringValue)
	case attribute.INT64SLICE:
		writeArray(w, v.AsInt64Slice(), w.intValue)
	case attribute.BOOLSLICE:
		writeArray(w, v.AsBoolSlice(), w.boolValue)
	case attribute.FLOAT64SLICE:
		writeArray(w, v.AsFloat64Slice(), w.doubleValue)
	case attribute.SLICE:
		writeArray(w, v.AsSlice(), w.value)
	case attribute.BYTESLICE:
		w.raw(`{\"bytesValue\":\"`)
		w.buf = append(base64.StdEncoding.AppendEncode(w.buf, v.AsByteSlice()), `\"}`...)
	case attribute.MAP:
		w.raw(`{\"kvlistValue\":{`)
		w.attributes(`\"values\":`, v.AsMap(), nil, "")
		w.raw(`}}`)
	default:
		w.raw(`{}`)
	}
}

func writeArray[T any](w *otlpWriter, values []T, write func(T)) {
	w.raw(`{\"arrayValue\":{\"values\":[`)
	for i, v := range values {
		if i > 0 {
			w.raw(`,`)
		}
		write(v)
	}
	w.raw(`]}}`)
}

func (w *otlpWriter) stringValue(s string) {
	w.text(`{\"stringValue\":`, s)
	w.raw(`}`)
}

func (w *otlpWriter) intValue(i int64) {
	w.raw(`{\"intValue\":\"`)
	w.buf = append(strconv.AppendInt(w.buf, i, 10), `\"}`...)
}

func (w *otlpWriter) boolValue(b bool) {
	w.raw(`{\"boolValue\":`)
	w.buf = append(strconv.AppendBool(w.buf, b), '}')
}

func (w *otlpWriter) doubleValue(f float64) {
	w.raw(`{\"doubleValue\":`)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.raw(`\"`)
		w.buf = pyjson.AppendFloat(w.buf, f)
		w.raw(`\"`)
	} else {
		w.buf = pyjson.AppendFloat(w.buf, f)
	}
	w.raw(`}`)
}

// time writes a time; the zero time, of a span that has not ended, is left
// out, and what is before 1970 is 0, as OTLP cannot say it.
func (w *otlpWriter) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.raw(name)
	w.raw(`\"`)
	w.buf = append(strconv.AppendInt(w.buf, max(0, t.UnixNano()), 10), `\"`...)
}

// count writes a number unless it is OTLP's default, 0.
func (w *otlpWriter) count(name string, n int) {
	if n <= 0 {
		return
	}
	w.raw(name)
	w.buf = strconv.AppendInt(w.buf, int64(min(n, math.MaxUint32)), 10)
}

func (w *otlpWriter) optional(name, s, end string) {
	if s != "" {
		w.text(name, s)
		w.raw(end)
	}
}

// text writes a name and a string, whose own quotes are escaped twice.
func (w *otlpWriter) text(name, s string) {
	buf := append(append(w.buf, name...), `\"`...)
	start := 0
	for i := range len(s) {
		if twicePlain[s[i]] {
			continue
		}
		buf = append(buf, s[start:i]...)
		w.buf = buf
		w.hardText(s[i:])
		return
	}
	w.buf = append(append(buf, s[start:]...), `\"`...)
}

// hardText writes the rest of a string, from its first byte that is not
// copied, and the closing quote.
func (w *otlpWriter) hardText(s string) {
	inner := pyjson.AppendStringUTF8(nil, s)
	w.buf = pyjson.AppendEscaped(w.buf, inner[1:])
}

// twicePlain marks the bytes that stand for themselves in a JSON string in a
// JSON string.
var twicePlain = func() (t [256]bool) {
	for c := 0x20; c < 0x7F; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()
