package otlpreceiver

import (
	"errors"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// A request is one export of a client. Its memory is counted until it is answered. The last
// fields are protected by the mutex mu of the queue.
type request struct {
	notifications []osprofiler.Notification
	spans         []spanName
	cost          int64 // of memory

	done chan struct{} // closed when the targets have the notifications

	// The following fields are protected by the mutex of the queue.
	first     uint64           // the number of the first notification; set when it is read
	refusals  refusals         // spans that were refused
	left      map[int]struct{} // indices of the spans that a target refused
	abandoned bool             // the client got another answer
}

// A spanName is the part of a span that is kept to name it if it is refused.
type spanName struct {
	traceID trace.TraceID
	spanID  trace.SpanID
	name    string
	end     int // of the span's notifications among those of the request
}

// newRequest makes notifications from spans. Spans that were refused before become part of
// the answer.
func newRequest(c *convert.Converter, spans []sdktrace.ReadOnlySpan, refused []*otlppb.SpanError) *request {
	r := &request{spans: make([]spanName, len(spans)), done: make(chan struct{})}
	r.notifications = make([]osprofiler.Notification, 0, 2*len(spans))
	for i, span := range spans {
		r.notifications = c.Append(r.notifications, convert.Both, span)
		sc := span.SpanContext()
		r.spans[i] = spanName{sc.TraceID(), sc.SpanID(), span.Name(), len(r.notifications)}
	}
	for _, e := range refused {
		r.refusals.add(e)
	}
	return r
}

// memory returns how many bytes of memory the request uses until the targets have it.
func (r *request) memory() (size int64) {
	for i := range r.notifications {
		size += notificationMemory + int64(len(r.notifications[i].Info)+len(r.notifications[i].Name))
	}
	return size
}

// leave notes that a target refused the notification with this index.
func (r *request) leave(index int, reason error) {
	span, _ := slices.BinarySearchFunc(r.spans, index+1, func(s spanName, end int) int { return s.end - end })
	if span >= len(r.spans) {
		return
	}
	if _, known := r.left[span]; known {
		return
	}
	if r.left == nil {
		r.left = map[int]struct{}{}
	}
	r.left[span] = struct{}{}
	if reason == nil {
		reason = errors.New("a target refused it")
	}
	s := &r.spans[span]
	e := &otlppb.SpanError{TraceID: s.traceID[:], SpanID: s.spanID[:], Name: s.name, Err: reason}
	r.refusals.add(e)
}
