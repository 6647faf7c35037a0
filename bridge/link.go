package bridge

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// NewLinkProcessor returns a processor that gives the span that a request
// starts a link to the span context that the request named besides, in another
// header than the signed one. It exports nothing; it is registered before the
// processor that does, for instrumentation that knows nothing of OSProfiler.
// [NewHandler] links by itself.
func NewLinkProcessor() sdktrace.SpanProcessor { return linkProcessor{} }

type linkProcessor struct{}

// OnStart implements sdktrace.SpanProcessor.
func (linkProcessor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if link, ok := linkOf(parent, s.SpanContext().TraceID()); ok {
		addLink(s, link)
	}
}

// linkOf returns the link that a span of the trace is to have if it is started
// directly under the remote caller.
func linkOf(parent context.Context, traceID trace.TraceID) (trace.Link, bool) {
	v := vouchFor(parent, traceID)
	if v == nil || !v.other.HasTraceID() || !trace.SpanContextFromContext(parent).IsRemote() {
		return trace.Link{}, false
	}
	return trace.Link{SpanContext: v.other}, true
}

// addLink adds the link, unless the span has it.
func addLink(span trace.Span, link trace.Link) {
	if s, ok := span.(sdktrace.ReadOnlySpan); ok {
		for _, has := range s.Links() {
			if has.SpanContext.Equal(link.SpanContext) {
				return
			}
		}
	}
	span.AddLink(link)
}

// OnEnd implements sdktrace.SpanProcessor.
func (linkProcessor) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown implements sdktrace.SpanProcessor.
func (linkProcessor) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (linkProcessor) ForceFlush(context.Context) error { return nil }
