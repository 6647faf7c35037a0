package bridge

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// An Operation was started by a [Profiler]. Its methods may be called by any goroutine. Only
// the first call of Stop, StopError, StopResult or StopStatus has an effect.
type Operation struct {
	span     trace.Span
	parent   trace.SpanContext
	call     tags.Call
	profiler *Profiler
	stopped  atomic.Bool
	cut      []attribute.KeyValue // the attributes of the start, if the SDK's limits have cut them
}

// Stop stops the operation. The info is the info of the stop notification. If it has etype and
// message, the operation has failed. It may be empty.
func (o *Operation) Stop(info osprofiler.Info) {
	if !o.stopped.Swap(true) {
		o.stop(info, nil)
	}
}

// stop ends the span with an info and, if there is one, a failure that is not in the info.
func (o *Operation) stop(info osprofiler.Info, failure *tags.Failure) {
	var attrs []attribute.KeyValue
	if !o.span.IsRecording() {
		o.span.End()
		return
	}
	if failure != nil {
		attrs = o.fail(*failure)
	}
	info = wellFormed(info)
	parsed := tags.NewParsedInfo(info)
	attrs, exact := parsed.AppendStopAttributes(attrs, o.call, o.profiler.conventions)
	if info != "" && parsed.HasMore(exact) {
		stated, rest, failed := tags.FailureOfInfo(parsed.Rest(o.call, exact))
		if failed {
			attrs = append(attrs, o.fail(stated)...)
		}
		attrs = appendRest(attrs, convert.StopInfoKey, rest)
	}
	o.end(attrs, func() osprofiler.Info {
		if failure != nil {
			return tags.Merge(info, failure.Info())
		}
		return info
	})
}

// StopError stops the operation with an error, as OSProfiler does with an exception: etype is
// the error's Go type, and message is its text. With a nil error, StopError is Stop.
func (o *Operation) StopError(err error, info osprofiler.Info) {
	if err == nil || !o.span.IsRecording() {
		o.Stop(info)
		return
	}
	failure := tags.Failure{Type: typeOf(err), Message: err.Error()}
	if !utf8.ValidString(failure.Message) { // a span must have valid texts; the info keeps the texts as far as it can
		o.Stop(tags.Merge(wellFormed(info), failure.Info()))
		return
	}
	if !o.stopped.Swap(true) {
		o.stop(info, &failure)
	}
}

// fail marks the span as failed. It returns the attributes of the failure.
func (o *Operation) fail(f tags.Failure) []attribute.KeyValue {
	status := f.Status()
	o.span.SetStatus(status.Code, status.Description)
	for _, e := range f.Events(time.Now(), o.profiler.conventions) {
		o.span.AddEvent(e.Name, trace.WithTimestamp(e.Time), trace.WithAttributes(e.Attributes...))
	}
	return f.Attributes(o.profiler.conventions)
}

// typeOf returns the Go type of an error. For an error that fmt.Errorf has wrapped, it is the
// type of the wrapped error.
func typeOf(err error) string {
	for {
		name := fmt.Sprintf("%T", err)
		if name != "*fmt.wrapError" {
			return name
		}
		err = errors.Unwrap(err)
	}
}

// Span returns the operation's span, for further attributes, events and links.
func (o *Operation) Span() trace.Span { return o.span }

// BaseID returns the base id of the trace, in the text of the service that began the trace.
func (o *Operation) BaseID() string { return baseIDOf(o.span.SpanContext()) }

// ID returns the id of the operation: OSProfiler's trace_id.
func (o *Operation) ID() string { return idOf(o.span.SpanContext()) }

// ParentID returns the id of the enclosing operation, in the caller's text. It is the base id
// if there is no enclosing operation.
func (o *Operation) ParentID() string {
	if !o.parent.HasSpanID() || o.parent.TraceID() != o.span.SpanContext().TraceID() {
		return o.BaseID()
	}
	return idOf(o.parent)
}

// ShortID returns the short id of the operation, like the Python library's get_shorten_id: the
// low 64 bits in hexadecimal, without leading zeros.
func (o *Operation) ShortID() string {
	n := uint64(0)
	for _, b := range osprofiler.SpanIDOf(o.ID()) {
		n = n<<8 | uint64(b)
	}
	return strconv.FormatUint(n, 16)
}

func baseIDOf(sc trace.SpanContext) string { return convert.BaseID(sc) }

func idOf(sc trace.SpanContext) string { return convert.ID(sc, sc.TraceState()) }
