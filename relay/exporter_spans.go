package relay

import (
	"context"
	"errors"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
)

// A spanExporter is the exporter of the Notifier of a target.
type spanExporter struct{ target *exporterTarget }

// Shutdown implements sdktrace.SpanExporter. The Notifier never calls it.
func (spanExporter) Shutdown(context.Context) error { return nil }

var errTargetClosed = errors.New("the target is closed")

// ExportSpans implements sdktrace.SpanExporter. For an operation that lacks a half, it first
// looks for the other half.
func (e spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	t := e.target
	if t.closed {
		return errTargetClosed
	}
	var alone []osprofiler.Notification
	whole, paired := spans, int64(len(spans))
	for i, s := range spans {
		if !isIncomplete(s) {
			continue
		}
		if alone == nil {
			whole = slices.Clone(spans[:i])
		}
		alone = append(alone, halfOf(s))
		paired--
	}
	if alone == nil {
		return t.count(t.deliver(ctx, spans), paired, 0)
	}
	return t.exportSome(ctx, spans, whole, alone)
}

// exportSome exports spans of which some are incomplete. It appends to done, which has the
// spans before the first incomplete one.
func (t *exporterTarget) exportSome(ctx context.Context, spans, done []sdktrace.ReadOnlySpan, alone []osprofiler.Notification) error {
	var late []osprofiler.Notification
	elsewhere := int64(0)
	others, err := t.othersOf(ctx, alone)
	if err != nil {
		return err
	}
	for _, s := range spans[len(done):] {
		if !isIncomplete(s) {
			done = append(done, s)
			continue
		}
		half := alone[0]
		other := others[0]
		alone, others = alone[1:], others[1:]
		switch {
		case other == nil:
			late = append(late, half)
			done = append(done, s)
		case half.Half() == osprofiler.Start:
			elsewhere++ // the relay that has the stop exports the span
		default:
			done = append(done, t.spanOf(&half, other))
		}
	}
	if err := t.count(t.deliver(ctx, done), int64(len(done)-len(late)), int64(len(late))); err != nil {
		return err
	}
	t.elsewhere.Add(elsewhere)
	for _, n := range late {
		t.keepLate(n)
	}
	return nil
}

func (t *exporterTarget) count(err error, paired, incomplete int64) error {
	if err == nil {
		t.paired.Add(paired)
		t.incomplete.Add(incomplete)
	}
	return err
}

// isIncomplete reports whether a span was made of one half.
func isIncomplete(s sdktrace.ReadOnlySpan) bool {
	for _, a := range s.Attributes() {
		if a.Key == convert.MissingKey {
			return true
		}
	}
	return false
}

var plain = convert.New()

// halfOf returns the half from which an incomplete span was made.
func halfOf(s sdktrace.ReadOnlySpan) osprofiler.Notification {
	if all := plain.Append(nil, convert.Both, s); len(all) > 0 {
		return all[0]
	}
	return osprofiler.Notification{}
}

// deliver exports spans. In a Follow it repeats that until the exporter has taken all of
// them, except those that it refuses permanently.
func (t *exporterTarget) deliver(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	try := func() error {
		if len(spans) == 0 {
			return nil
		}
		err := t.exporter.ExportSpans(ctx, spans)
		if err == nil || ctx.Err() != nil {
			return err
		}
		refused, rest, rejected := outcomeOf(err, spans)
		for _, s := range refused {
			for _, n := range plain.Append(nil, convert.Both, s) {
				t.refusals = append(t.refusals, refusal{notification: n, reason: err})
			}
		}
		if rejected > 0 {
			t.refusals = append(t.refusals, refusal{count: rejected, reason: err})
		}
		if spans = rest; len(spans) == 0 {
			return nil
		}
		return err
	}
	if t.repeat == nil {
		return try()
	}
	return t.repeat(ctx, try)
}

// outcomeOf returns which spans an exporter refuses permanently, and which are to be exported
// again. rejected counts the notifications of spans that the exporter refused without naming
// them.
func outcomeOf(err error, spans []sdktrace.ReadOnlySpan) (refused, rest []sdktrace.ReadOnlySpan, rejected int) {
	var partial *exporter.SinkError
	if !errors.As(err, &partial) || len(partial.Missing) == 0 && partial.Rejected <= 0 {
		return nil, spans, 0
	}
	for _, i := range partial.Missing {
		switch {
		case i < 0 || i >= len(spans):
		case slices.Contains(partial.Refused, i):
			refused = append(refused, spans[i])
		default:
			rest = append(rest, spans[i])
		}
	}
	return refused, rest, rejectedOf(partial, spans)
}

// rejectedOf returns the number of notifications of spans that were refused without being
// named. An exporter may report any number.
func rejectedOf(e *exporter.SinkError, spans []sdktrace.ReadOnlySpan) int {
	if e.Rejected <= 0 {
		return 0
	}
	taken, notifications := 0, 0
	for i, s := range spans {
		if slices.Contains(e.Missing, i) {
			continue
		}
		taken++
		if notifications++; !isIncomplete(s) {
			notifications++
		}
	}
	if e.Rejected >= taken {
		return notifications
	}
	return min(2*e.Rejected, notifications)
}
