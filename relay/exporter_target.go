package relay

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

// ToExporter returns the target that makes spans from the notifications and exports them. It
// pairs the halves of each operation by a [bridge.Notifier], in any order and from all
// sources. A half whose other half does not arrive in time is exported alone, as an
// incomplete span ([convert.MissingKey]). If the other half arrives later, the whole span is
// exported, with the same ids.
//
// The caller shuts down the exporter, after Close of the target. The exporter is called from
// one goroutine at a time.
func ToExporter(e sdktrace.SpanExporter, opts ...ExporterOption) Target {
	return newExporterTarget(e, opts)
}

// An ExporterOption changes how [ToExporter] makes spans. Values that are not positive
// select the default.
type ExporterOption interface{ applyExporter(*exporterConfig) }

type exporterConfig struct {
	name       string
	maxAge     time.Duration
	maxWaiting int
	maxBytes   int64
	conversion []convert.Option
}

type exporterOptionFunc func(*exporterConfig)

func (f exporterOptionFunc) applyExporter(c *exporterConfig) { f(c) }

// WithTargetName sets the name of the target in errors and in the state directory. The name
// must contain no password. The state directory keeps waiting halves under this name.
func WithTargetName(name string) ExporterOption {
	return exporterOptionFunc(func(c *exporterConfig) { c.name = name })
}

// WithPairing bounds how long a half waits for its other half, how many halves wait,
// and how many bytes of memory they use. The defaults are those of package bridge:
// [bridge.DefaultMaxAge], [bridge.DefaultMaxWaiting], [bridge.DefaultMaxBytes].
func WithPairing(maxAge time.Duration, maxWaiting int, maxBytes int64) ExporterOption {
	return exporterOptionFunc(func(c *exporterConfig) { c.maxAge, c.maxWaiting, c.maxBytes = maxAge, maxWaiting, maxBytes })
}

// WithConversion sets how notifications become spans: the semantic conventions and
// the redaction.
func WithConversion(opts ...convert.Option) ExporterOption {
	return exporterOptionFunc(func(c *exporterConfig) { c.conversion = append(c.conversion, opts...) })
}

// An exporterTarget is for one goroutine at a time, except for describe and forget. It is the
// exporter of its Notifier.
type exporterTarget struct {
	exporterConfig

	exporter sdktrace.SpanExporter
	convert  *convert.Converter
	notifier *bridge.Notifier
	late     lateHalves
	lookIn   []*store.Store // stores in which the other half may be, if another relay has it
	looked   lookups
	repeat   func(ctx context.Context, try func() error) error // of Follow; nil outside of it
	refusals []refusal                                         // spans that the exporter refused
	closed   bool

	journaling

	paired, incomplete, repaired, elsewhere, known atomic.Int64
}

// forever is longer than any half waits. The target itself decides when halves are exported
// alone, not the Notifier.
const forever = 100 * 365 * 24 * time.Hour

func newExporterTarget(e sdktrace.SpanExporter, opts []ExporterOption) *exporterTarget {
	t := &exporterTarget{exporter: e}
	for _, opt := range opts {
		opt.applyExporter(&t.exporterConfig)
	}
	if t.name == "" {
		t.name = "the exporter"
	}
	if t.maxAge <= 0 {
		t.maxAge = bridge.DefaultMaxAge
	}
	if t.maxBytes <= 0 {
		t.maxBytes = bridge.DefaultMaxBytes
	}
	t.late.maxBytes = t.maxBytes / 2
	t.convert = convert.New(t.conversion...)
	t.notifier = bridge.NewNotifier(spanExporter{t},
		bridge.WithMaxAge(forever), bridge.WithMaxWaiting(t.maxWaiting), bridge.WithMaxBytes(t.maxBytes),
		bridge.WithConversion(t.conversion...), bridge.WithReleased(t.release))
	return t
}

// Name implements Target.
func (t *exporterTarget) Name() string { return t.name }

// Write implements Target. A half that still waits has not been exported when Write returns.
func (t *exporterTarget) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := t.take(ctx, batch); err != nil {
		return err
	}
	refused := t.takeRefusals(batch)
	if len(refused) == 0 {
		return nil
	}
	err := &store.WriteError{Err: refused[0].reason}
	for _, r := range refused {
		if r.index >= 0 {
			err.Missing = append(err.Missing, r.index)
		}
	}
	err.Refused = err.Missing
	return err
}

// take exports the operations that the batch completes. The other halves wait, and are
// written to the journal if there is one.
func (t *exporterTarget) take(ctx context.Context, batch []osprofiler.Notification) error {
	batch, err := t.repair(ctx, batch)
	if err != nil {
		return err
	}
	if err := t.notifier.Notify(ctx, batch...); err != nil && (ctx.Err() != nil || !t.refuseInvalid(batch)) {
		return err
	}
	return t.commit()
}

// refuseInvalid refuses the invalid notifications of a batch. It reports whether there are
// any.
func (t *exporterTarget) refuseInvalid(batch []osprofiler.Notification) (found bool) {
	for i := range batch {
		if err := batch[i].Validate(); err != nil {
			t.refusals = append(t.refusals, refusal{notification: batch[i], reason: err})
			found = true
		}
	}
	return found
}

// takeRefusals returns the refusals since the last call, with their indices into the batch.
func (t *exporterTarget) takeRefusals(batch []osprofiler.Notification) []refusal {
	refusals := t.refusals
	t.refusals = nil
	for i := range refusals {
		if r := &refusals[i]; r.count > 0 {
			r.index = -1
		} else {
			r.index = indexOf(batch, &r.notification)
		}
	}
	return refusals
}

func indexOf(batch []osprofiler.Notification, n *osprofiler.Notification) int {
	for i := range batch {
		if b := &batch[i]; b.TraceID == n.TraceID && b.BaseID == n.BaseID && b.Half() == n.Half() {
			return i
		}
	}
	return -1
}

// flush exports the halves that wait, as incomplete spans.
func (t *exporterTarget) flush(ctx context.Context) error {
	return errors.Join(t.notifier.Flush(ctx), t.commit())
}

// maintain looks for halves that other relays have, and exports the halves that have waited
// too long.
func (t *exporterTarget) maintain(ctx context.Context) error {
	if err := t.lookUpStarts(ctx); err != nil {
		return err
	}
	t.expiring = true
	err := t.notifier.ExportOlder(ctx, t.maxAge)
	t.expiring = false
	for _, h := range t.late.expire(time.Now()) {
		t.removeLate(h)
	}
	return errors.Join(err, t.commit())
}

// Close implements Target. Halves that wait and are in no journal are dropped, because their
// source was not acknowledged.
func (t *exporterTarget) Close() error {
	t.closed = true
	_ = t.notifier.Shutdown(context.Background()) // it exports nothing any longer
	if t.journal == nil {
		return nil
	}
	return t.journal.close()
}

// duplicates counts the notifications that were equal to an earlier one.
func (t *exporterTarget) duplicates() int64 { return t.notifier.Stats().Duplicates + t.known.Load() }

// describe adds the statistics of a sink.
func (t *exporterTarget) describe(s *TargetStats) {
	s.Sink = true
	s.Paired, s.Incomplete = t.paired.Load(), t.incomplete.Load()
	s.Repaired, s.Elsewhere = t.repaired.Load(), t.elsewhere.Load()
	s.Spans = s.Paired + s.Incomplete + s.Repaired
	s.Duplicates, s.Waiting = t.duplicates(), t.notifier.Stats().Waiting
}
