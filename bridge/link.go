package bridge

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// NewLinkProcessor returns a processor that adds a link to the span of a request if the
// request named another span context than the signed header did. It exports nothing. It is for
// instrumentation that does not know OSProfiler. Register it before the processor that
// exports. [NewHandler] adds the link by itself.
func NewLinkProcessor() sdktrace.SpanProcessor { return linkProcessor{} }

type linkProcessor struct{}

// OnStart implements sdktrace.SpanProcessor.
func (linkProcessor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if link, ok := linkOf(parent, s.SpanContext().TraceID()); ok {
		addLink(s, link)
	}
}

// linkOf returns the link for a span of the trace that is started directly under the remote
// caller. ok is false if there is no link to add.
func linkOf(parent context.Context, traceID trace.TraceID) (trace.Link, bool) {
	t := trustedTraceFor(parent, traceID)
	if t == nil || !t.other.HasTraceID() || !trace.SpanContextFromContext(parent).IsRemote() {
		return trace.Link{}, false
	}
	return trace.Link{SpanContext: t.other}, true
}

// addLink adds the link, unless the span already has it.
func addLink(span trace.Span, link trace.Link) {
	if s, ok := span.(sdktrace.ReadOnlySpan); ok {
		for _, present := range s.Links() {
			if present.SpanContext.Equal(link.SpanContext) {
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
