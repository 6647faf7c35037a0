package reader

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// Span returns an operation of the report as an OpenTelemetry span ([convert.SpanOf]), from
// the earliest start and the latest stop. If the payloads lack the ids, as in Python's
// answers for SQL, the ids are those of the report and the node. Span returns nil if the
// operation has no notifications.
func (r *Report) Span(n *Node) sdktrace.ReadOnlySpan {
	var start, stop *osprofiler.Notification
	for _, i := range n.byTime() {
		event := n.Events[i]
		notification, err := osprofiler.ParseNotification(event.Payload)
		if err != nil {
			continue // the payload is not an object
		}
		if notification.Name == "" {
			notification.Name = event.Name
		}
		notification.BaseID, notification.TraceID, notification.ParentID = orElse(notification.BaseID, r.BaseID), n.TraceID, n.ParentID
		switch isStop := event.Half() == osprofiler.Stop; {
		case isStop:
			stop = &notification
		case start == nil:
			start = &notification
		}
	}
	return convert.SpanOf(start, stop)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
