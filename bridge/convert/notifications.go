package convert

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// Append appends the notifications of the spans: of each its start, then its
// stop. A span that was made from half an operation gives that half.
func (c *Converter) Append(dst []osprofiler.Notification, spans ...sdktrace.ReadOnlySpan) []osprofiler.Notification {
	w := c.writer()
	defer w.release()
	for _, s := range spans {
		if s == nil {
			continue
		}
		if s.InstrumentationScope().Name == ScopeName {
			dst = c.appendRebuilt(dst, s)
			continue
		}
		start, stop := w.both(c.redacted(s))
		dst = append(dst, start, stop)
	}
	return dst
}

// StartOf returns the notification that the span started; ok is false only
// for a span that was made from a stop without its start. The span may still
// be running.
func (c *Converter) StartOf(s sdktrace.ReadOnlySpan) (n osprofiler.Notification, ok bool) {
	if s.InstrumentationScope().Name == ScopeName {
		start, _ := c.rebuild(s)
		return deref(start)
	}
	w := c.writer()
	defer w.release()
	return w.start(c.redacted(s)), true
}

// StopOf returns the notification that the span stopped; ok is false only for
// a span that was made from a start without its stop.
func (c *Converter) StopOf(s sdktrace.ReadOnlySpan) (n osprofiler.Notification, ok bool) {
	if s.InstrumentationScope().Name == ScopeName {
		_, stop := c.rebuild(s)
		return deref(stop)
	}
	w := c.writer()
	defer w.release()
	_, n = w.both(c.redacted(s))
	return n, true
}

func deref(n *osprofiler.Notification) (osprofiler.Notification, bool) {
	if n == nil {
		return osprofiler.Notification{}, false
	}
	return *n, true
}

// A writer builds the text of a span's notifications in one buffer, of which
// one string is made and cut into the fields: one allocation for all of them.
type writer struct {
	buf      []byte
	memo     resourceMemo
	c        *Converter
	cuts     []int // where the texts in buf end
	whoseWho *resource.Resource
	who      who
	attrs    []attribute.KeyValue
	call     tags.Call
	profiled bool // by the bridge's Profiler
}

// who says on whose behalf notifications are sent.
type who struct {
	project, service string
	hostMember       string // `"host": "…"`
}

var writers = sync.Pool{New: func() any { return new(writer) }}

func (c *Converter) writer() *writer {
	w := writers.Get().(*writer)
	w.c = c
	return w
}

// release forgets whatever belongs to the batch and gives the buffers back.
func (w *writer) release() {
	const largest = 1 << 20
	buf, text, cuts := w.buf, w.memo.text, w.cuts
	*w = writer{}
	if cap(buf) <= largest && cap(text) <= largest {
		w.buf, w.memo.text, w.cuts = buf[:0], text[:0], cuts[:0]
	}
	writers.Put(w)
}

func (w *writer) raw(text string) { w.buf = append(w.buf, text...) }

// begin prepares the writer for one span.
func (w *writer) begin(s sdktrace.ReadOnlySpan) {
	w.buf, w.cuts = w.buf[:0], w.cuts[:0]
	w.attrs = s.Attributes()
	w.call = tags.CallOfSpan(s.SpanKind(), w.attrs)
	w.profiled = s.InstrumentationScope().Name == ProfilerScopeName
	if r := s.Resource(); r != w.whoseWho || w.who.hostMember == "" {
		w.whoseWho, w.who = r, w.c.whoOf(r)
	}
}

func (c *Converter) whoOf(r *resource.Resource) who {
	project, service, host := whoSays(r)
	override := func(value *string, by string) {
		if by != "" {
			*value = by
		}
	}
	if host == "" {
		host = c.cfg.localHost
	}
	override(&project, c.cfg.project)
	override(&service, c.cfg.service)
	override(&host, c.cfg.host)
	member := pyjson.AppendString([]byte(`"host": `), host)
	return who{project: project, service: service, hostMember: string(member)}
}

// whoSays reads project, service and host from a resource.
func whoSays(r *resource.Resource) (project, service, host string) {
	for iter := r.Iter(); iter.Next(); {
		kv := iter.Attribute()
		switch kv.Key {
		case semconv.ServiceNamespaceKey:
			project = kv.Value.AsString()
		case semconv.ServiceNameKey:
			service = kv.Value.AsString()
		case semconv.HostNameKey:
			host = kv.Value.AsString()
		}
	}
	return project, service, host
}

// cut ends one text of the buffer.
func (w *writer) cut() { w.cuts = append(w.cuts, len(w.buf)) }

// texts makes one string of the buffer and returns its parts in order.
func (w *writer) texts() func() string {
	all, next, from := string(w.buf), 0, 0
	return func() string {
		part := all[from:w.cuts[next]]
		from = w.cuts[next]
		next++
		return part
	}
}

func (w *writer) start(s sdktrace.ReadOnlySpan) osprofiler.Notification {
	w.begin(s)
	w.head(s)
	w.startHalf(s)
	next := w.texts()
	n := w.shared(next)
	name := next()
	n.Name, n.Timestamp, n.Info = name, next(), osprofiler.Info(next())
	return n
}

func (w *writer) both(s sdktrace.ReadOnlySpan) (start, stop osprofiler.Notification) {
	w.begin(s)
	w.head(s)
	w.startHalf(s)
	w.stopHalf(s)
	next := w.texts()
	start = w.shared(next)
	stop = start
	start.Name = next()
	start.Timestamp = next()
	start.Info = osprofiler.Info(next())
	stop.Name = next()
	stop.Timestamp = next()
	stop.Info = osprofiler.Info(next())
	return start, stop
}

// head writes the ids: base, own, parent.
func (w *writer) head(s sdktrace.ReadOnlySpan) {
	sc, parent := s.SpanContext(), s.Parent()
	known := sc.TraceState().Len() > 0 && sc.TraceState().Get(TraceStateKey) != ""
	if known {
		w.raw(BaseID(sc))
	} else {
		w.buf = osprofiler.UUID(sc.TraceID()).Append(w.buf)
	}
	w.cut()
	w.id(sc)
	w.cut()
	switch {
	case !parent.SpanID().IsValid():
		// a root: its parent is the base, which stands there already
	case known:
		w.raw(ID(parent.WithTraceID(sc.TraceID()), sc.TraceState()))
	default:
		w.id(parent.WithTraceID(sc.TraceID()))
	}
	w.cut()
}

func (w *writer) shared(next func() string) (n osprofiler.Notification) {
	n.BaseID, n.TraceID, n.ParentID = next(), next(), next()
	if n.ParentID == "" {
		n.ParentID = n.BaseID
	}
	n.Project, n.Service = w.who.project, w.who.service
	return n
}

// id writes the id that is derived from a span context.
func (w *writer) id(sc trace.SpanContext) {
	w.buf = derived(sc.TraceID(), sc.SpanID()).Append(w.buf)
}

func (w *writer) operation(s sdktrace.ReadOnlySpan) string {
	if !w.c.cfg.spanNames && !w.profiled {
		if name := w.call.Operation(w.attrs); name != "" {
			return name
		}
	}
	return s.Name()
}

func (w *writer) startHalf(s sdktrace.ReadOnlySpan) {
	w.raw(w.operation(s))
	w.raw("-start")
	w.cut()
	w.buf = osprofiler.AppendTime(w.buf, s.StartTime())
	w.cut()
	w.info(tags.AppendStartInfo, "", StartInfoKey)
	w.raw(w.who.hostMember)
	w.raw("}")
	w.cut()
}

func (w *writer) stopHalf(s sdktrace.ReadOnlySpan) {
	w.raw(w.operation(s))
	w.raw("-stop")
	w.cut()
	w.buf = osprofiler.AppendTime(w.buf, s.EndTime())
	w.cut()
	failure := osprofiler.Info("")
	if f, failed := tags.FailureOfSpan(s.Status(), w.attrs, s.Events()); failed {
		failure = f.Info()
	}
	w.info(tags.AppendStopInfo, failure, StopInfoKey)
	w.raw(w.who.hostMember)
	w.raw(`, "otel": "`)
	w.buf = appendTracesData(w.buf, s, w.attrs, &w.memo)
	w.raw(`"}`)
	w.cut()
}

// info opens an info with the members of the known shapes, the failure's, and,
// of a Profiler's span, whatever else its info said; that counts before both.
func (w *writer) info(appendShapes func([]byte, tags.Call, []attribute.KeyValue) []byte, failure osprofiler.Info, restKey attribute.Key) {
	from := len(w.buf)
	w.buf = appendShapes(w.buf, w.call, w.attrs)
	if rest := w.rest(restKey); rest != "" {
		info := tags.Merge(rest, osprofiler.Info(w.buf[from:]), failure)
		w.buf = append(w.buf[:from], info...)
		failure = ""
	}
	w.reopen(from)
	w.members(failure)
}

// rest is what a Profiler's span says of its info in an attribute of ours.
func (w *writer) rest(key attribute.Key) osprofiler.Info {
	if !w.profiled {
		return ""
	}
	for _, kv := range w.attrs {
		if kv.Key == key {
			return keptInfo(kv.Value.AsString())
		}
	}
	return ""
}

// keptInfo is the info that an attribute of ours holds, or none where somebody
// has spoilt it, such as the SDK's limits, which cut texts off. What is left of
// it then stands in info.otel, as the attribute that it is.
func keptInfo(text string) osprofiler.Info {
	info := osprofiler.Info(text)
	if info.Validate() != nil {
		return ""
	}
	return info
}

// reopen makes the object that stands in buf from there on, or the nothing
// that does, ready for one more member.
func (w *writer) reopen(from int) {
	switch len(w.buf) - from {
	case 0:
		w.raw("{")
	case len("{}"):
		w.buf = w.buf[:from+1]
	default:
		w.buf = append(w.buf[:len(w.buf)-1], ", "...)
	}
}

// members writes an info's members, each with a comma behind it.
func (w *writer) members(info osprofiler.Info) {
	if len(info) > len("{}") {
		w.raw(string(info[1 : len(info)-1]))
		w.raw(", ")
	}
}
