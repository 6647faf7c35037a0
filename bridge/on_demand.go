package bridge

import (
	"context"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// OnDemand returns a processor that passes only the spans of trusted traces to next. A service
// that samples for an OTLP back end registers its OSProfiler exporter with it. The operator's
// store then has the traces that somebody requested with a signature, and not the ordinary
// traffic of the service:
//
//	provider := trace.NewTracerProvider(
//		trace.WithSampler(bridge.NewSampler(sampler)), // sampler is that of the OTLP back end
//		trace.WithBatcher(otlp),
//		trace.WithSpanProcessor(bridge.OnDemand(trace.NewBatchSpanProcessor(exp))),
//	)
//
// A trace is trusted here if a verified signature named it, or if [Profiler.Init] began it,
// with a key or without. A span belongs to the trace if it starts in a context that has this
// trust. It also belongs to the trace if it starts under a span of this process that was
// passed to next and has not ended. A traceparent without a signature never makes a span
// belong to a trusted trace.
//
// OnDemand does not sample. The sampler of the provider decides first which spans
// are recorded, and [NewSampler] makes it record every trusted trace.
//
// OnDemand remembers the spans that have started and not ended. If more than 65,536 spans of
// trusted traces are never ended, OnDemand forgets the oldest ones, and next does not receive
// their ends. Shutdown first flushes next and then shuts it down. So its error after a
// deadline says why the spans could not be written, unless an export was already in progress.
func OnDemand(next sdktrace.SpanProcessor) sdktrace.SpanProcessor {
	return &onDemand{next: next, recent: map[spanKey]struct{}{}}
}

// maxActive is the number of unended spans that fit into one of the two generations.
const maxActive = 1 << 16

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

func keyOf(sc trace.SpanContext) spanKey { return spanKey{sc.TraceID(), sc.SpanID()} }

type onDemand struct {
	next sdktrace.SpanProcessor

	// recent and older have the spans whose start next has received, in two generations. When
	// recent is full, it becomes older, and the spans that were in older are forgotten.
	mu            sync.Mutex
	recent, older map[spanKey]struct{}
}

// OnStart implements sdktrace.SpanProcessor.
func (p *onDemand) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if p.starts(parent, s.SpanContext()) {
		p.next.OnStart(parent, s)
	}
}

// OnEnd implements sdktrace.SpanProcessor.
func (p *onDemand) OnEnd(s sdktrace.ReadOnlySpan) {
	if p.ends(keyOf(s.SpanContext())) {
		p.next.OnEnd(s)
	}
}

// starts remembers the span if it belongs to a trusted trace.
func (p *onDemand) starts(parent context.Context, sc trace.SpanContext) bool {
	trusted := trustedTraceFor(parent, sc.TraceID()) != nil
	if !trusted {
		reportReplacedCaller(parent)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !trusted && !p.isChild(trace.SpanContextFromContext(parent), sc) {
		return false
	}
	if len(p.recent) >= maxActive {
		p.recent, p.older = map[spanKey]struct{}{}, p.recent
	}
	p.recent[keyOf(sc)] = struct{}{}
	return true
}

// isChild reports whether the parent is a remembered span of this process. The context of such
// a child may lack the trust, because the program kept only the span context.
func (p *onDemand) isChild(parent, child trace.SpanContext) bool {
	if parent.IsRemote() || parent.TraceID() != child.TraceID() {
		return false
	}
	key := keyOf(parent)
	if _, ok := p.recent[key]; ok {
		return true
	}
	_, ok := p.older[key]
	return ok
}

// ends forgets the span, and reports whether it was remembered.
func (p *onDemand) ends(key spanKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.recent[key]; ok {
		delete(p.recent, key)
		return true
	}
	_, ok := p.older[key]
	delete(p.older, key)
	return ok
}

// Shutdown implements sdktrace.SpanProcessor. It flushes first. At the deadline, the Shutdown
// of the SDK's batch processor returns only the error of the context. Its ForceFlush returns
// the error of the exporter, if the export began with the flush.
func (p *onDemand) Shutdown(ctx context.Context) error {
	flushed := p.next.ForceFlush(ctx)
	err := p.next.Shutdown(ctx)
	if err == nil || flushed != nil && err == ctx.Err() { //nolint:errorlint // a wrapped error has a cause of its own
		return flushed
	}
	return err
}

// ForceFlush implements sdktrace.SpanProcessor.
func (p *onDemand) ForceFlush(ctx context.Context) error { return p.next.ForceFlush(ctx) }
