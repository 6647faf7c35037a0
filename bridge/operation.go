package bridge

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// An Operation was started by a [Profiler]. Its methods may be called by any
// goroutine. The first Stop, StopError, StopResult or StopStatus counts.
type Operation struct {
	span        trace.Span
	parent      trace.SpanContext
	call        tags.Call
	conventions tags.Conventions
	stopped     atomic.Bool
}

// Stop stops the operation. The info is that of the stop notification. With etype
// and message in it the operation has failed. It may be empty.
func (o *Operation) Stop(info osprofiler.Info) {
	if o.stopped.Swap(true) {
		return
	}
	if !o.span.IsRecording() || info == "" {
		o.span.End()
		return
	}
	parsed := tags.NewParsedInfo(wellFormed(info))
	attrs, exact := parsed.AppendStopAttributes(nil, o.call, o.conventions)
	if parsed.HasMore(exact) {
		failure, rest, failed := tags.FailureOfInfo(parsed.Rest(o.call, exact))
		if failed {
			o.fail(failure)
		}
		attrs = appendRest(attrs, convert.StopInfoKey, rest)
	}
	o.span.SetAttributes(attrs...)
	o.span.End()
}

// StopError stops the operation with an error, as OSProfiler does with an exception:
// etype is the error's Go type and message its text. With a nil error it is Stop.
func (o *Operation) StopError(err error, info osprofiler.Info) {
	if err == nil || !o.span.IsRecording() || o.stopped.Load() {
		o.Stop(info)
		return
	}
	failure := tags.Failure{Type: typeOf(err), Message: err.Error()}
	if !utf8.ValidString(failure.Message) { // a span must have valid texts; the info keeps what it can
		o.Stop(tags.Merge(wellFormed(info), failure.Info()))
		return
	}
	o.fail(failure)
	o.Stop(info)
}

func (o *Operation) fail(f tags.Failure) {
	status := f.Status()
	o.span.SetStatus(status.Code, status.Description)
	o.span.SetAttributes(f.Attributes(o.conventions)...)
	for _, e := range f.Events(time.Now(), o.conventions) {
		o.span.AddEvent(e.Name, trace.WithTimestamp(e.Time), trace.WithAttributes(e.Attributes...))
	}
}

// typeOf returns the Go type of an error. An error that fmt.Errorf has wrapped has
// the type of the error in it.
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

// BaseID returns the base id of the trace, in the text of whoever began the trace.
func (o *Operation) BaseID() string { return baseIDOf(o.span.SpanContext()) }

// ID returns the id of the operation: OSProfiler's trace_id.
func (o *Operation) ID() string { return idOf(o.span.SpanContext()) }

// ParentID returns the id of the operation around this one, in the caller's text. It
// is the base id if there is no operation around this one.
func (o *Operation) ParentID() string {
	if !o.parent.HasSpanID() || o.parent.TraceID() != o.span.SpanContext().TraceID() {
		return o.BaseID()
	}
	return idOf(o.parent)
}

// ShortID returns the short id of the operation, as the Python library's
// get_shorten_id does: the low 64 bits in hexadecimal, without leading zeros.
func (o *Operation) ShortID() string {
	n := uint64(0)
	for _, b := range osprofiler.SpanIDOf(o.ID()) {
		n = n<<8 | uint64(b)
	}
	return strconv.FormatUint(n, 16)
}

func baseIDOf(sc trace.SpanContext) string { return convert.BaseID(sc) }

func idOf(sc trace.SpanContext) string { return convert.ID(sc, sc.TraceState()) }
