package exporter

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A LiveProcessor is an OTel SpanProcessor that writes the start notification
// when a span starts and the stop when it ends, as OSProfiler itself does, so
// that an operation that hangs is seen in the store while it hangs. Register
// it when the provider is made:
//
//	live, err := exporter.OpenLive(ctx, "sqlite:////var/lib/nova/traces.db")
//	provider := trace.NewTracerProvider(trace.WithSpanProcessor(live))
//
// OnStart and OnEnd only put the span into a bounded queue: they never wait for
// the store, and what finds no room is dropped and counted. One goroutine
// writes batches ([WithBatchSize], [WithBatchDelay]). What is lost is told by
// [LiveProcessor.Stats] and, in summaries at intervals and at Shutdown, by
// otel.Handle.
//
// The start says what is known when the span starts. What is learned later (a
// name that the handler sets, attributes, events, the status) is in the stop,
// which carries the whole span: what the store says of an ended span is what an
// [Exporter] would have said, but that the start may know less.
//
// Spans that are not sampled are ignored, recorded ones too. A span that was
// made from notifications, and so comes to OnEnd alone, has all of its
// notifications written then.
type LiveProcessor struct {
	store  store.Store
	owned  bool // the worker closes the store when it ends
	retry  store.Retry
	conv   *convert.Converter
	cfg    liveConfig
	scheme string // for MarshalLog

	queue  *queue
	report *lossReport
	giveUp context.Context // of all writes; done when Shutdown's time is over
	cancel context.CancelFunc

	done     chan struct{} // closed when the worker has nothing more to write
	closeErr error         // of the store; read it after done
	reported chan struct{} // closed when the last summary was given
}

var _ sdktrace.SpanProcessor = (*LiveProcessor)(nil)

// NewLiveProcessor returns a LiveProcessor that writes into s, which stays the
// caller's to close, after Shutdown. Its goroutine lives until Shutdown.
func NewLiveProcessor(s store.Store, opts ...Option) *LiveProcessor {
	return startLive(s, false, fmt.Sprintf("%T", s), newConfig(opts))
}

// OpenLive opens the store that the connection string names and returns a
// LiveProcessor that writes into it. Shutdown closes it. A sink takes only
// finished spans and is errors.ErrUnsupported: use [Open] for it.
func OpenLive(ctx context.Context, connectionString string, opts ...Option) (*LiveProcessor, error) {
	cfg := newConfig(opts)
	backend, err := store.Lookup(connectionString)
	if err != nil {
		return nil, err
	}
	scheme := store.Scheme(connectionString)
	if backend.OpenStore == nil {
		return nil, fmt.Errorf("%s:// takes finished spans only: use exporter.Open: %w", scheme, errors.ErrUnsupported)
	}
	s, err := store.Open(ctx, connectionString, cfg.store...)
	if err != nil {
		return nil, err
	}
	return startLive(s, true, scheme, cfg), nil
}

func startLive(s store.Store, owned bool, scheme string, cfg config) *LiveProcessor {
	p := &LiveProcessor{
		store: s, owned: owned, scheme: scheme,
		retry: cfg.retry, conv: convert.New(cfg.convert...), cfg: cfg.live,
		done: make(chan struct{}), reported: make(chan struct{}),
	}
	p.queue = newQueue(&p.cfg)
	p.report = newLossReport(p.queue, p.cfg.reportInterval)
	p.giveUp, p.cancel = context.WithCancel(context.Background())
	go p.work()
	return p
}

// OnStart implements sdktrace.SpanProcessor. It never blocks.
func (p *LiveProcessor) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	if p.queue.isClosed() || !s.SpanContext().IsSampled() || convert.OfNotifications(s) {
		return
	}
	if p.queue.crowded.Load() {
		p.queue.startLater(s)
		p.report.schedule()
		return
	}
	span := startedOf(s)
	if !p.queue.start(entry{span: span, size: sizeOf(span), starts: 1}) {
		p.report.schedule()
	}
}

// OnEnd implements sdktrace.SpanProcessor. It never blocks.
func (p *LiveProcessor) OnEnd(s sdktrace.ReadOnlySpan) {
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

// ForceFlush implements sdktrace.SpanProcessor: when it returns nil, all that
// was queued when it was called is stored, and so are the starts that waited for
// room then. It returns the error of the first batch that failed meanwhile, or
// the context's. A start larger than three quarters of [WithQueueBytes] is stored
// with its stop: ForceFlush returns an error while such a span runs. Batches that failed before, and spans that found no room, are
// told by [LiveProcessor.Stats] and otel.Handle only.
func (p *LiveProcessor) ForceFlush(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	w := p.queue.flush()
	select {
	case <-w.done:
		return w.forceFlushError()
	case <-ctx.Done():
		held := p.queue.forget(w)
		return fmt.Errorf("%d notifications are still to be written: %w", held, context.Cause(ctx))
	}
}

// Shutdown implements sdktrace.SpanProcessor: later calls of OnStart and OnEnd
// do nothing; what is queued, and the starts that wait for room, are written as
// long as the context lets it, and the rest is dropped and counted. So is a start
// that waits for its stop, with an error, because it is too large to come alone.
// Then a store
// that OpenLive opened is closed. The error is that of the first batch that
// failed meanwhile, of closing, or of the context. It returns after the last
// summary of what was lost, but waits for neither the store nor otel's error
// handler when the context is done: the handler then has the summary when it
// takes it.
//
// Only the first call does anything, and returns what became of it. Later ones
// wait until nothing is under way any more, no longer than their contexts let
// them.
func (p *LiveProcessor) Shutdown(ctx context.Context) error {
	final, first := p.queue.close()
	select {
	case <-p.done: // whatever has become of the context
	default:
		select {
		case <-p.done:
		case <-ctx.Done():
			return p.endOfContext(context.Cause(ctx), first)
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

// endOfContext ends a call of Shutdown whose time is over. The first call gives
// up what is not written.
func (p *LiveProcessor) endOfContext(cause error, first bool) error {
	if !first {
		return fmt.Errorf("the live processor is still shutting down: %w", cause)
	}
	p.cancel()
	held := p.queue.abandon()
	go p.report.now() // the worker may be in the store for long
	return fmt.Errorf("%d notifications are not known to be stored: %w", held, cause)
}

// MarshalLog tells the SDK's logger what this processor is.
func (p *LiveProcessor) MarshalLog() any {
	return struct{ Type, Store string }{Type: "osprofiler live", Store: p.scheme}
}
