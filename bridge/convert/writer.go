package convert

import (
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/finaljson"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A writer writes the JSON of notifications into one buffer, in the layout of
// [osprofiler.Notification.AppendJSON]. For each span, the buffer is converted to one string.
// The notifications' fields are parts of that string.
type writer struct {
	c    *Converter
	buf  []byte
	text strings.Builder // the texts of the previous spans, with free capacity

	// The fields below belong to the span that is being written.
	resource  *resourceText
	attrs     []attribute.KeyValue
	call      tags.Call
	profiled  bool // the span was made by the bridge's Profiler
	operation string
}

// These are the JSON texts between the fields of a notification.
const (
	jsonName      = `{"name": "`
	jsonBaseID    = `", "base_id": "`
	jsonTraceID   = `", "trace_id": "`
	jsonParentID  = `", "parent_id": "`
	jsonTimestamp = `", "timestamp": "`
	jsonInfo      = `", "info": `
)

// A field is the range of a notification's field in the buffer.
type field struct {
	from, to int
	text     string // the value of the field, set if its JSON has escapes
}

func (f field) in(text string) string {
	if f.text != "" {
		return f.text
	}
	return text[f.from:f.to]
}

// fields are the ranges of one notification in the buffer.
type fields struct {
	whole, name, baseID, traceID, parentID, timestamp, info field
}

var writers = sync.Pool{New: func() any { return new(writer) }}

func newWriter(c *Converter) *writer {
	w := writers.Get().(*writer)
	w.c = c
	return w
}

// release drops the references to the spans and returns the buffer.
func (w *writer) release() {
	const largest = 1 << 20
	buf := w.buf[:0]
	if cap(buf) > largest {
		buf = nil
	}
	w.buf, w.c, w.resource, w.attrs, w.operation = buf, nil, nil, nil, ""
	writers.Put(w)
}

// textBytes is the size of one allocation for the texts of several spans.
const textBytes = 16 << 10

// takeText returns the buffer as a string. Small texts share an allocation.
func (w *writer) takeText() string {
	if len(w.buf) > textBytes/4 {
		return string(w.buf)
	}
	if w.text.Cap()-w.text.Len() < len(w.buf) {
		w.text = strings.Builder{}
		w.text.Grow(textBytes)
	}
	from := w.text.Len()
	w.text.Write(w.buf)
	return w.text.String()[from:]
}

// append appends the halves of a span.
func (w *writer) append(dst []osprofiler.Notification, halves Halves, s sdktrace.ReadOnlySpan) []osprofiler.Notification {
	w.begin(s)
	var start, stop fields
	if halves&Starts != 0 {
		w.start(&start, s)
	}
	if halves&Stops != 0 {
		w.stop(&stop, &start, s)
	}
	text := w.takeText()
	if halves&Starts != 0 {
		dst = start.notification(dst, text, w.resource.project, w.resource.service)
	}
	if halves&Stops != 0 {
		dst = stop.notification(dst, text, w.resource.project, w.resource.service)
	}
	return dst
}

// begin prepares the writer for a span.
func (w *writer) begin(s sdktrace.ReadOnlySpan) {
	w.buf = w.buf[:0]
	w.resource = w.c.resources.of(s.Resource(), &w.c.cfg)
	w.attrs = s.Attributes()
	w.call = tags.CallOfSpan(s.SpanKind(), w.attrs)
	w.profiled = s.InstrumentationScope().Name == ProfilerScopeName
	w.operation = ""
	if !w.c.cfg.spanNames && !w.profiled {
		w.operation = w.call.Operation(w.attrs)
		if w.operation == "" && w.c.cfg.kindNames {
			w.operation = w.call.KindName(w.attrs)
		}
	}
	if w.operation == "" {
		w.operation = s.Name()
	}
}

// notification appends the notification with these fields. text is the content of the whole
// buffer.
func (f *fields) notification(dst []osprofiler.Notification, text, project, service string) []osprofiler.Notification {
	dst = append(dst, osprofiler.Notification{})
	n := &dst[len(dst)-1]
	n.Name = f.name.in(text)
	n.BaseID = f.baseID.in(text)
	n.TraceID = f.traceID.in(text)
	n.ParentID = f.parentID.in(text)
	n.Timestamp = f.timestamp.in(text)
	n.Info = osprofiler.Info(f.info.in(text))
	n.Project, n.Service = project, service
	finaljson.Set(n, f.whole.in(text))
	return dst
}

func (w *writer) literal(text string) { w.buf = append(w.buf, text...) }

// escaped writes a field that may need escapes.
func (w *writer) escaped(s string) field {
	from := len(w.buf)
	w.buf = pyjson.AppendEscaped(w.buf, s)
	f := field{from: from, to: len(w.buf)}
	if f.to-f.from != len(s) { // an escape is longer than the character that it represents
		f.text = pyjson.Normal(s)
	}
	return f
}

// name writes the beginning of a notification, up to its name.
func (w *writer) name(f *fields, suffix string) {
	f.whole.from = len(w.buf)
	w.literal(jsonName)
	f.name = w.escaped(w.operation)
	w.literal(suffix)
	f.name.to = len(w.buf)
	if f.name.text != "" {
		f.name.text += suffix
	}
}

// ids writes the ids. A root's parent id is the base id.
func (w *writer) ids(f *fields, s sdktrace.ReadOnlySpan) {
	sc, parent := s.SpanContext(), s.Parent()
	remembered := sc.TraceState().Len() > 0 && sc.TraceState().Get(TraceStateKey) != ""
	w.literal(jsonBaseID)
	if remembered {
		f.baseID = w.escaped(BaseID(sc))
	} else {
		f.baseID = w.uuid(osprofiler.UUID(sc.TraceID()))
	}
	w.literal(jsonTraceID)
	f.traceID = w.derivedID(sc.TraceID(), sc.SpanID())
	w.literal(jsonParentID)
	switch {
	case !parent.SpanID().IsValid():
		f.parentID = f.baseID
		f.parentID.from = len(w.buf)
		w.buf = append(w.buf, w.buf[f.baseID.from:f.baseID.to]...)
		f.parentID.to = len(w.buf)
	case remembered:
		f.parentID = w.escaped(ID(parent.WithTraceID(sc.TraceID()), sc.TraceState()))
	default:
		f.parentID = w.derivedID(sc.TraceID(), parent.SpanID())
	}
	w.literal(jsonTimestamp)
}

func (w *writer) uuid(u osprofiler.UUID) field {
	from := len(w.buf)
	w.buf = u.Append(w.buf)
	return field{from: from, to: len(w.buf)}
}

func (w *writer) derivedID(traceID trace.TraceID, spanID trace.SpanID) field {
	return w.uuid(derivedUUID(traceID, spanID))
}

// copyIDs writes the ids of the span's start again.
func (w *writer) copyIDs(f, start *fields) {
	shift := len(w.buf) - start.name.to
	w.buf = append(w.buf, w.buf[start.name.to:start.timestamp.from]...)
	for _, id := range [...]struct{ to, from *field }{
		{&f.baseID, &start.baseID}, {&f.traceID, &start.traceID}, {&f.parentID, &start.parentID},
	} {
		*id.to = field{from: id.from.from + shift, to: id.from.to + shift, text: id.from.text}
	}
}

// end writes the text after the info's own members.
func (w *writer) end(f *fields) {
	f.info.to = len(w.buf)
	w.literal(w.resource.end)
	f.whole.to = len(w.buf)
}
