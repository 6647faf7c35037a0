package convert

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Halves is a set of the two notifications that a span becomes.
type Halves uint8

// The sets of halves.
const (
	Starts Halves = 1 << iota
	Stops
	Both = Starts | Stops
)

// The ends of the notifications' names.
const (
	startSuffix = "-start"
	stopSuffix  = "-stop"
)

// Append appends the notifications of the spans: for each span its start, then
// its stop, as far as halves has them. Only these are converted. For Starts the
// span may still be running. A span that was made from one notification gives
// that notification alone, or none if halves does not have it. A nil span gives
// none.
//
// The notifications of a span that a Tracer made carry their JSON:
// [osprofiler.Notification.AppendJSON] copies it, and
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
