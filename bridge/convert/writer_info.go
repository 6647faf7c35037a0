package convert

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// start writes the start of the span.
func (w *writer) start(f *fields, s sdktrace.ReadOnlySpan) {
	w.name(f, startSuffix)
	w.ids(f, s)
	f.timestamp.from = len(w.buf)
	w.buf = osprofiler.AppendTime(w.buf, s.StartTime())
	f.timestamp.to = len(w.buf)
	w.literal(jsonInfo)
	f.info.from = len(w.buf)
	w.members(tags.AppendStartInfo, "", w.restOfInfo(s, StartInfoKey))
	w.literal(w.resource.host)
	w.literal("}")
	w.end(f)
}

// stop writes the stop of the span. start has the fields of the span's start if the start was
// written before.
func (w *writer) stop(f, start *fields, s sdktrace.ReadOnlySpan) {
	w.name(f, stopSuffix)
	if start.whole.to > 0 {
		w.copyIDs(f, start)
	} else {
		w.ids(f, s)
	}
	f.timestamp.from = len(w.buf)
	w.buf = osprofiler.AppendTime(w.buf, s.EndTime())
	f.timestamp.to = len(w.buf)
	failure := osprofiler.Info("")
	if of, failed := tags.FailureOfSpan(s.Status(), w.attrs, s.Events()); failed {
		failure = of.Info()
	}
	w.literal(jsonInfo)
	f.info.from = len(w.buf)
	w.members(tags.AppendStopInfo, failure, w.restOfInfo(s, StopInfoKey))
	w.literal(w.resource.host)
	w.literal(`, "otel": "`)
	w.buf = appendTracesData(w.buf, s, w.attrs, w.resource)
	w.literal(`"}`)
	w.end(f)
}

// members opens an info and writes its members except host and otel: those of the call, those
// of the failure and, for a Profiler's span, the rest of its info. A member of the rest wins
// over both.
func (w *writer) members(appendCall func([]byte, tags.Call, []attribute.KeyValue) []byte, failure, rest osprofiler.Info) {
	from := len(w.buf)
	w.buf = appendCall(w.buf, w.call, w.attrs)
	if rest != "" {
		info := tags.Merge(rest, osprofiler.Info(w.buf[from:]), failure)
		w.buf = append(w.buf[:from], info...)
		failure = ""
	}
	w.reopen(from)
	if len(failure) > len("{}") {
		w.literal(string(failure[1 : len(failure)-1]))
		w.literal(", ")
	}
}

// restOfInfo returns the part of a Profiler's info that the span holds in one of our own
// attributes. If the SDK's limits have cut the attributes, it returns the whole info, from the
// event [InfoEvent].
func (w *writer) restOfInfo(s sdktrace.ReadOnlySpan, key attribute.Key) osprofiler.Info {
	if !w.profiled {
		return ""
	}
	if info := recordedIn(s.Events(), key); info != "" {
		return info
	}
	for _, kv := range w.attrs {
		if kv.Key == key {
			return validInfo(kv.Value.AsString())
		}
	}
	return ""
}

// validInfo returns the info that one of our own attributes holds. It is empty if the text is
// not valid, for example because the SDK's limits have cut it. In that case the attribute's
// text is still in info.otel.
func validInfo(text string) osprofiler.Info {
	info := osprofiler.Info(text)
	if info.Validate() != nil {
		return ""
	}
	return info
}

// reopen prepares the object in the buffer, which begins at an index, for one more member. If
// there is no object yet, reopen begins one.
func (w *writer) reopen(from int) {
	switch len(w.buf) - from {
	case 0:
		w.literal("{")
	case len("{}"):
		w.buf = w.buf[:from+1]
	default:
		w.buf = append(w.buf[:len(w.buf)-1], ", "...)
	}
}
