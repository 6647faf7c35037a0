package otlp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	// maxRefusals bounds the requests in a row that are refused because of their spans.
	// After that, nothing more is sent.
	maxRefusals = 200
	// maxFailures bounds the failures in a row. After that, the target gets a span again that
	// it took before. One span of 500,000 is found within this bound.
	maxFailures = 20
	// unlimited is the size limit of a request whose number of spans is given.
	unlimited = math.MaxInt
)

// A delivery sends the spans of one call of ExportSpans.
type delivery struct {
	*Exporter
	spans    []sdktrace.ReadOnlySpan
	batch    *batch
	limit    int
	refusals int // requests in a row that were refused because of their spans
	failures int // requests in a row with which the target failed
	patience int // the failures in a row after which the target is probed, or nothing more is sent
	probes   int // how often the target was probed
	suspects []suspect

	refused  []int
	reasons  []error // of refused spans, each text once
	rejected int
	partial  string // what the target says about rejected spans
}

// deliver sends the spans in requests of at most maxMessageSize bytes.
func (e *Exporter) deliver(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	b, ok := e.batches.Get().(*batch)
	if !ok {
		b = &batch{}
	}
	defer func() {
		if !b.isLarge(e.maxMessageSize) {
			e.batches.Put(b)
		}
	}()
	d := &delivery{Exporter: e, spans: spans, batch: b, limit: e.limit(), patience: maxFailures}
	for next := 0; next < len(spans); {
		n := b.fill(e, spans[next:], d.limit)
		err := d.send(ctx)
		if f, ok := refusesContent(err); ok {
			err = d.divide(ctx, f, next, next+n)
		} else if err == nil {
			d.remember(next)
		}
		var stopped *stoppedError
		if errors.As(err, &stopped) {
			next, err = stopped.at, stopped.err
		}
		if err != nil {
			if _, ok := refusesContent(err); ok {
				_ = d.confirm(ctx) // err says why nothing more is sent
			}
			return d.failure(next, err)
		}
		next += n
	}
	return d.failure(len(spans), d.decide(ctx))
}

// send sends the request that the batch holds, and repeats it.
func (d *delivery) send(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("no time was left to send: %w", err)
	}
	return d.retry.Do(ctx, func() error {
		a, err := d.once(ctx, d.batch)
		if err == nil {
			d.succeed()
			d.notice(a)
		}
		return err
	})
}

// succeed records that the target accepted a request and so does not fail with all spans.
func (d *delivery) succeed() {
	d.refusals, d.failures = 0, 0
	for i := range d.suspects {
		d.suspects[i].isAlone = true
	}
}

// notice looks at the answer of a target that accepted a request. A message without
// rejected spans is a warning, which the program's error handler gets once.
func (d *delivery) notice(a answer) {
	d.rejected += int(min(max(a.rejected, 0), int64(len(d.batch.spans))))
	switch {
	case a.message == "":
	case a.rejected > 0:
		d.partial = a.message
	default:
		if last := d.warning.Swap(&a.message); last == nil || *last != a.message {
			otel.Handle(fmt.Errorf("%s took the spans with a warning: %s", d.Name(), d.safe(a.message)))
		}
	}
}

// limit returns the size of the largest request.
func (e *Exporter) limit() int {
	if smaller := e.smaller.Load(); smaller > 0 {
		return int(smaller)
	}
	return e.maxMessageSize
}

// once sends a request once. A batch that is nil has no spans.
func (e *Exporter) once(ctx context.Context, b *batch) (answer, error) {
	ctx, cancel := e.limited(ctx)
	defer cancel()
	if b == nil {
		return e.conn.upload(ctx, nil)
	}
	return e.conn.upload(ctx, b.groups.All)
}

// A stoppedError is the error of a part of a request. Nothing more is sent after it.
type stoppedError struct {
	at  int // the first span that was not delivered
	err error
}

// Error implements error.
func (s *stoppedError) Error() string { return s.err.Error() }

// divide handles the refusal of a request because of its spans. It sends both halves,
// until the refused spans are alone.
func (d *delivery) divide(ctx context.Context, f *failure, from, to int) error {
	d.refusals++
	if d.failures++; !f.fails {
		d.failures = 0
	}
	if d.failures > d.patience {
		if d.probes == maxProbes || !d.takesKnown(ctx) {
			return &stoppedError{from, f}
		}
		d.patience *= 2
		d.batch.fill(d.Exporter, d.spans[from:to], unlimited)
	}
	switch {
	case to-from == 1 && f.fails:
		d.suspects = append(d.suspects, suspect{at: from, err: d.ofSpan(f, from)})
		return nil
	case to-from == 1:
		d.refuse(from, d.ofSpan(f, from))
		return nil
	case d.refusals > maxRefusals:
		return &stoppedError{from, f}
	case f.tooLarge: // the target takes less than was assumed
		d.limit = max(min(d.limit, d.batch.size/2), leastMessageSize)
		d.smaller.Store(int64(d.limit))
	}
	middle := from + (to-from)/2
	for _, part := range [...][2]int{{from, middle}, {middle, to}} {
		d.batch.fill(d.Exporter, d.spans[part[0]:part[1]], unlimited)
		err := d.send(ctx)
		if f, ok := refusesContent(err); ok {
			err = d.divide(ctx, f, part[0], part[1])
		} else if err == nil {
			d.remember(part[0])
		}
		var stopped *stoppedError
		if err != nil && !errors.As(err, &stopped) {
			err = &stoppedError{part[0], err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuse records a span that the target does not accept.
func (d *delivery) refuse(at int, f *failure) {
	d.refused = append(d.refused, at)
	if len(d.reasons) < maxReasons {
		d.reasons = append(d.reasons, f)
	}
}

// ofSpan returns the failure of the request with one span, which it names.
func (d *delivery) ofSpan(f *failure, at int) *failure {
	s := d.spans[at]
	return &failure{class: f.class, fails: f.fails, err: fmt.Errorf("%w; the refused span is %q of %d bytes (trace %s, span %s)",
		f.err, shortName(s.Name()), d.batch.size, s.SpanContext().TraceID(), s.SpanContext().SpanID())}
}

// maxReasons is the largest number of refused spans that an error names.
const maxReasons = 3

func shortName(name string) string {
	const most = 80
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// failure returns the error of the delivery, or nil. The spans before the index at were
// sent. err says why the spans from this index on were not sent.
func (d *delivery) failure(at int, err error) error {
	slices.Sort(d.refused)
	missing := slices.Clone(d.refused)
	for _, s := range d.suspects {
		missing = append(missing, s.at)
		if err == nil {
			err = s.err
		}
	}
	for i := at; i < len(d.spans); i++ {
		missing = append(missing, i)
	}
	reasons := d.reasons
	if n := len(d.refused); n > 0 {
		reasons[len(reasons)-1] = fmt.Errorf("%w; %d of %d spans %s refused", reasons[len(reasons)-1], n, len(d.spans), wasOrWere(n))
	}
	if d.rejected > 0 {
		reasons = append(reasons, fmt.Errorf("%s rejected %d of %d spans: %s", d.Name(), d.rejected, len(d.spans), d.safe(d.partial)))
	}
	if err != nil {
		n := len(missing) - len(d.refused)
		reasons = append(reasons, fmt.Errorf("%w; %d of %d spans may not be delivered", err, n, len(d.spans)))
	}
	slices.Sort(missing)
	if len(reasons) == 0 {
		return nil
	}
	return &exporter.SinkError{
		Missing: missing, Refused: d.refused, Rejected: d.rejected, Transient: err != nil && store.IsTransient(err), Err: oneSentence(reasons),
	}
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// oneSentence joins errors on one line.
func oneSentence(reasons []error) error {
	err := reasons[0]
	for _, next := range reasons[1:] {
		err = fmt.Errorf("%w; %w", err, next)
	}
	return err
}

// safe returns a message of the target on one line, without secrets.
func (e *Exporter) safe(message string) string {
	if p, ok := e.conn.(interface{ describe() *peer }); ok {
		return p.describe().safe(message)
	}
	return (&peer{}).safe(message)
}
