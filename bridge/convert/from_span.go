package convert

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Halves is a set of notifications that a span is converted to: its start, its stop, or both.
type Halves uint8

// These are the sets of halves.
const (
	Starts Halves = 1 << iota
	Stops
	Both = Starts | Stops
)

// These are the endings of the names of notifications.
const (
	startSuffix = "-start"
	stopSuffix  = "-stop"
)

// Append appends the notifications of the spans. For each span it appends the start, then the
// stop, if halves includes them. Only these are converted. For Starts the span may still be
// running. A span that was made from one notification becomes only that notification, or none
// if halves does not include it. A nil span becomes none.
//
// The notifications of a span that a Tracer made carry their JSON.
// [osprofiler.Notification.AppendJSON] copies this JSON, and
// [osprofiler.Notification.Validate] does not check it again.
func (c *Converter) Append(dst []osprofiler.Notification, halves Halves, spans ...sdktrace.ReadOnlySpan) []osprofiler.Notification {
	w := newWriter(c)
	defer w.release()
	for _, s := range spans {
		if s == nil {
			continue
		}
		s = c.redacted(s)
		if s.InstrumentationScope().Name == ScopeName {
			dst = c.appendOriginals(dst, halves, s)
		} else {
			dst = w.append(dst, halves, s)
		}
	}
	return dst
}
