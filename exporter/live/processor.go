// Package live writes OpenTelemetry spans into an OSProfiler store while they
// run. Its [Processor] is an OTel SpanProcessor that writes the start
// notification when a span starts and the stop when it ends, as OSProfiler itself
// does. So an operation that hangs is in the store while it hangs.
//
// Register it when the provider is made:
//
//	processor, err := live.Open(ctx, "sqlite:////var/lib/nova/traces.db")
//	provider := trace.NewTracerProvider(trace.WithSpanProcessor(processor))
//
// Package exporter writes spans when they have ended. docs/live.md compares the
// two. The package of the back end must be linked into the program: see package
// exporter.
package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Processor is an OTel SpanProcessor that writes the start of a span when the
// span starts and the stop when the span ends.
//
// OnStart and OnEnd only put the span into a bounded queue. They never wait for
// the store. A stop that finds no room is dropped and counted. A start that finds
// no room waits until there is room or its span ends. One goroutine writes batches
// ([WithBatchSize], [WithBatchDelay]). [Processor.Stats] counts what was lost.
// Summaries of the losses go to otel.Handle, at intervals and at Shutdown.
//
// The start contains what is known when the span starts. The stop carries the
// whole span, including what is learned later (a name that the handler sets,
// attributes, events, the status). For an ended span the store holds what an
// exporter.Exporter would have written, except that the start may contain less.
//
// Spans that are not sampled are ignored, even if they are recorded. A span
// that was made from notifications is passed to OnEnd only. All of its
// notifications are written then.
type Processor struct {
	store     *store.Store
	owned     bool // the worker closes the store when it ends
	retry     store.Retry
	progress  progress
	converter *convert.Converter
	limits    limits

	queue  *queue
	report *lossReport
	giveUp context.Context // of all writes; done when Shutdown's time is over
	cancel context.CancelCauseFunc

	done     chan struct{} // closed when the worker has nothing more to write
	closeErr error         // of the store; read it after done
	reported chan struct{} // closed when the last summary was given
}

var _ sdktrace.SpanProcessor = (*Processor)(nil)

// New returns a Processor that writes into s. The caller closes s, after
// Shutdown. The Processor's goroutine runs until Shutdown.
func New(s *store.Store, opts ...Option) *Processor {
	return start(s, false, newConfig(opts))
}

// Open opens the store that the connection string names and returns a Processor
// that writes into it. Opening does not connect. Shutdown closes the store. A
// sink takes only finished spans, so for a sink Open returns an error that
// wraps [errors.ErrUnsupported]: use exporter.Open.
func Open(ctx context.Context, connectionString string, opts ...Option) (*Processor, error) {
	if store.IsSink(connectionString) {
		return nil, fmt.Errorf("%s:// takes finished spans only: use exporter.Open: %w", store.Scheme(connectionString), errors.ErrUnsupported)
	}
	cfg := newConfig(opts)
	s, err := store.Open(ctx, connectionString, cfg.store...)
	if err != nil {
		return nil, err
	}
	return start(s, true, cfg), nil
}

func start(s *store.Store, owned bool, cfg config) *Processor {
	p := &Processor{
		store: s, owned: owned,
		converter: convert.New(append([]convert.Option{convert.WithKindNames()}, cfg.convert...)...), limits: cfg.limits,
		done: make(chan struct{}), reported: make(chan struct{}),
	}
	p.retry = p.progress.observed(cfg.retry)
	p.queue = newQueue(&p.limits)
	p.report = newLossReport(p.queue, p.limits.reportInterval)
	p.giveUp, p.cancel = context.WithCancelCause(context.Background())
	go p.work()
	return p
}

// OnStart implements sdktrace.SpanProcessor. It never blocks.
func (p *Processor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if p.queue.isClosed() || !s.SpanContext().IsSampled() || convert.OfNotifications(s) {
		return
	}
	running := withRecorded(parent, s)
	if p.queue.crowded.Load() {
		p.queue.startLater(running)
		p.report.schedule()
		return
	}
	span := startOf(running)
	if !p.queue.start(entry{span: span, size: sizeOf(span), starts: 1}) {
		p.report.schedule()
	}
}

// OnEnd implements sdktrace.SpanProcessor. It never blocks.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	if p.queue.isClosed() || !s.SpanContext().IsSampled() {
		return
	}
	e := entry{span: s, size: sizeOf(s), stops: 1}
	if convert.OfNotifications(s) {
		e.starts, e.stops = halvesOf(s)
	}
	if !p.queue.end(e) {
		p.report.schedule()
	}
}

// startOf copies the properties that the start notification of a running span
// needs, because the span continues to change and the worker reads it later. The
// attributes are shared: the SDK copies them before it writes into what
// Attributes has returned.
func startOf(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	start := convert.Span{
		Name: s.Name(), SpanContext: s.SpanContext(), Parent: s.Parent(), SpanKind: s.SpanKind(), StartTime: s.StartTime(),
		Attributes: s.Attributes(), Resource: s.Resource(), InstrumentationScope: s.InstrumentationScope(),
	}
	if c, ok := s.(cutSpan); ok {
		start.Events = c.Events()
	}
	return start.Snapshot()
}

// A cutSpan is a running span whose attributes the limits of the SDK have cut, with
// the event that holds the info of its start.
type cutSpan struct {
	sdktrace.ReadOnlySpan
	event sdktrace.Event
}

// Events implements sdktrace.ReadOnlySpan.
func (s cutSpan) Events() []sdktrace.Event { return []sdktrace.Event{s.event} }

// withRecorded returns the span that starts in the context. It is a cutSpan if its
// attributes were cut.
func withRecorded(parent context.Context, s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	if e, ok := convert.RecordedStart(parent, s); ok {
		return cutSpan{s, e}
	}
	return s
}

// halvesOf counts the notifications that a span was made from.
func halvesOf(s sdktrace.ReadOnlySpan) (starts, stops uint8) {
	for _, kv := range s.Attributes() {
		if kv.Key == convert.MissingKey && kv.Value.Type() == attribute.STRING && s.InstrumentationScope().Name == convert.ScopeName {
			switch kv.Value.AsString() {
			case osprofiler.Start.String():
				return 0, 1
			case osprofiler.Stop.String():
				return 1, 0
			}
		}
	}
	return 1, 1
}

// ForceFlush implements sdktrace.SpanProcessor. ForceFlush returns nil if
// everything that was queued when it was called is stored, and so are the
// starts that waited for room at that time. Otherwise it returns the error of
// the first batch that failed during the call, or of the context.
//
// A start larger than three quarters of [WithQueueBytes] is stored with its stop,
// so ForceFlush returns an error while such a span runs. ForceFlush does not
// report batches that failed before and spans that found no room: see
// [Processor.Stats] and otel.Handle.
func (p *Processor) ForceFlush(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	began := time.Now()
	f := p.queue.flush()
	select {
	case <-f.done:
		return f.forceFlushError()
	case <-ctx.Done():
		left := p.queue.cancelFlush(f)
		return p.unfinished(ctx, began, fmt.Sprintf("%d notifications are still to be written", left))
	}
}

// Shutdown implements sdktrace.SpanProcessor. It writes the queued notifications
// and the starts that wait for room, until the context is done. It drops and
// counts the rest. It also drops a start that is too large to be written without
// its stop, which is an error. Then Shutdown closes a store that Open opened.
// Later calls of OnStart and OnEnd do nothing.
//
// The error is the error of the first batch that failed during the call, of
// closing the store, or of the context. Shutdown returns after the last summary of
// losses. When the context is done, Shutdown waits neither for the store nor for
// otel's error handler. The handler then gets the summary later.
//
// Only the first call does this work and returns that error. Later calls wait
// until the first call is done or their own contexts are.
func (p *Processor) Shutdown(ctx context.Context) error {
	began := time.Now()
	final, first := p.queue.close()
	select {
	case <-p.done: // even if the context is done
	default:
		select {
		case <-p.done:
		case <-ctx.Done():
			return p.endOfContext(ctx, began, first)
		}
	}
	select {
	case <-p.reported:
	case <-ctx.Done():
	}
	if !first {
		return nil
	}
	return errors.Join(p.queue.failure(final), p.closeErr)
}

// endOfContext ends a call of Shutdown whose context is done. The first call drops
// what is not yet written.
func (p *Processor) endOfContext(ctx context.Context, began time.Time, first bool) error {
	if !first {
		return p.unfinished(ctx, began, "the live processor is still shutting down")
	}
	left := p.queue.abandon()
	err := p.unfinished(ctx, began, fmt.Sprintf("%d notifications may not be stored", left))
	p.cancel(givenUp{})
	go p.report.now() // the worker may wait for the store
	return err
}

// MarshalLog describes this processor to the SDK's logger.
func (p *Processor) MarshalLog() any {
	return struct{ Type, Store string }{Type: "osprofiler live", Store: p.store.Name()}
}
