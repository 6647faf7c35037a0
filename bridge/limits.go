package bridge

import (
	"errors"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// attributeLimits finds out how much the span limits of a provider let through. A provider
// does not report its limits. So the span's kept attributes are checked whenever its
// attributes are longer or more numerous than those that were kept before.
type attributeLimits struct {
	characters atomic.Int64 // the length of the longest text that was kept whole
	count      atomic.Int64 // the largest number of attributes that were all kept
	lost       atomic.Uint64
}

// mayCut reports whether the limits may be too low for these attributes.
func (l *attributeLimits) mayCut(attrs []attribute.KeyValue) bool {
	bytes, _ := convert.Longest(attrs)
	return int64(bytes) > l.characters.Load() || int64(len(attrs)) > l.count.Load()
}

// cut reports whether a span has not kept these attributes whole.
func (l *attributeLimits) cut(span trace.Span, attrs []attribute.KeyValue) bool {
	s, ok := span.(sdktrace.ReadOnlySpan)
	if !ok || len(attrs) == 0 || !span.IsRecording() || !l.mayCut(attrs) && s.DroppedAttributes() == 0 {
		return false
	}
	if convert.IsCut(s.Attributes(), s.DroppedAttributes(), attrs) {
		return true
	}
	_, characters := convert.Longest(attrs)
	raise(&l.characters, int64(characters))
	raise(&l.count, int64(len(attrs)))
	return false
}

// raise sets v to n if n is larger.
func raise(v *atomic.Int64, n int64) {
	for old := v.Load(); n > old && !v.CompareAndSwap(old, n); old = v.Load() {
	}
}

// end ends the span with the attributes of the stop. If the SDK's limits have cut these
// attributes or those of the start, an event gets the infos of both.
func (o *Operation) end(attrs []attribute.KeyValue, stop func() osprofiler.Info) {
	if len(attrs) > 0 {
		o.span.SetAttributes(attrs...)
	}
	if o.profiler.limits.cut(o.span, attrs) || o.cut != nil {
		o.keep(stop())
	}
	o.span.End()
}

// keep adds the event with the infos. If the SDK's limits allow an event only one attribute,
// each info gets its own event. If they allow no event, the loss is reported.
func (o *Operation) keep(stop osprofiler.Info) {
	var infos []attribute.KeyValue
	if o.cut != nil {
		infos = append(infos, convert.StartInfoKey.String(string(convert.RecordedInfo(o.call, o.cut))))
	}
	if stop != "" {
		infos = append(infos, convert.StopInfoKey.String(string(stop)))
	}
	o.span.AddEvent(convert.InfoEvent, trace.WithAttributes(infos...))
	for _, info := range o.missing(infos) {
		o.span.AddEvent(convert.InfoEvent, trace.WithAttributes(info))
	}
	if len(o.missing(infos)) > 0 && o.profiler.limits.lost.Add(1) == 1 {
		otel.Handle(errLostInfo)
	}
}

// missing returns the attributes that no event of the span holds.
func (o *Operation) missing(infos []attribute.KeyValue) (missing []attribute.KeyValue) {
	s, ok := o.span.(sdktrace.ReadOnlySpan)
	if !ok {
		return nil
	}
	var kept []attribute.KeyValue
	for _, e := range s.Events() {
		if e.Name == convert.InfoEvent {
			kept = append(kept, e.Attributes...)
		}
	}
	for i := range infos {
		if !slices.Contains(kept, infos[i]) {
			missing = append(missing, infos[i])
		}
	}
	return missing
}

var errLostInfo = errors.New("osprofiler: the span limits of the SDK have cut the info of an operation, and its span may have no event " +
	"that holds the info; raise the limits (OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, " +
	"OTEL_SPAN_EVENT_COUNT_LIMIT, OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT); Profiler.Lost counts such operations")

// Lost returns how many operations have lost a part of their info, because the span limits of
// the SDK cut their attributes and allowed no event for the info. The first loss is reported
// by [otel.Handle].
func (p *Profiler) Lost() uint64 { return p.limits.lost.Load() }
