package jaeger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A refusedError says that the target does not accept a message because of its spans or
// its size. The target may accept half of the message.
type refusedError struct {
	err     error
	tooMuch bool // the message is too large
}

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// A delivery is the work of one ExportSpans.
type delivery struct {
	sender  sender
	left    []batch
	refused []int // indices of spans
	refusal error // of the first refused span
	taken   bool  // the target has taken a message
}

// maxRefusals is how many spans may be refused one by one. After that, the target counts
// as one that refuses everything, and the remaining spans are not sent.
const maxRefusals = 8

func (e *Exporter) deliver(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if e.redaction != (tags.Redaction{}) {
		clean := make([]sdktrace.ReadOnlySpan, len(spans))
		for i, s := range spans {
			if s != nil {
				clean[i] = convert.Redacted(s, e.redaction)
			}
		}
		spans = clean
	}
	batches, err := e.sender.cutter().batches(groupsOf(spans, &e.naming))
	d := &delivery{sender: e.sender, left: batches}
	if err == nil {
		err = e.retry.Do(ctx, func() error { return d.try(ctx) })
	}
	return d.failure(err)
}

// try sends the remaining messages.
func (d *delivery) try(ctx context.Context) error {
	for len(d.left) > 0 {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("no time was left to send: %w", err)
		}
		err := d.sender.send(ctx, &d.left[0])
		var refused *refusedError
		switch {
		case err == nil:
			d.left, d.taken = d.left[1:], true
		case !errors.As(err, &refused):
			return err
		case !d.taken && len(d.refused) >= maxRefusals:
			return err
		default:
			d.refuse(refused)
		}
	}
	return nil
}

// refuse handles a refused message. It sends the halves, until a message is one span.
func (d *delivery) refuse(refused *refusedError) {
	b := d.left[0]
	if len(b.spans) > 1 {
		first, second := b.halves()
		d.left = append([]batch{first, second}, d.left[1:]...)
		return
	}
	if refused.tooMuch && d.trim(b.spans[0]) {
		return
	}
	d.left = d.left[1:]
	d.refused = append(d.refused, b.indices...)
	if d.refusal == nil {
		d.refusal = refused.err
	}
}

// trim cuts the largest values of a span that is too large for the target, as for UDP. It
// returns false if the span was cut before, or is not large.
func (d *delivery) trim(span *jaeger.Span) bool {
	c := d.sender.cutter()
	before, err := c.size(span)
	if err != nil || before <= maxDatagramSize {
		return false
	}
	after, err := trimSpan(span, c, maxDatagramSize)
	return err == nil && after <= maxDatagramSize
}

// failure returns the error of ExportSpans.
func (d *delivery) failure(err error) error {
	missing := slices.Clone(d.refused)
	for _, b := range d.left {
		missing = append(missing, b.indices...)
	}
	if err == nil && len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	slices.Sort(d.refused)
	reason := err
	if reason == nil {
		reason = d.refusal
	}
	return &exporter.SinkError{
		Missing: missing, Refused: d.refused, Transient: len(d.left) > 0 && store.IsTransient(err),
		Err: explained.New(reason, "%v; %s", reason, count(len(missing), "span was not delivered", "spans were not delivered")),
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
