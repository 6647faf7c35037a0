package bridge

import (
	"context"
	"errors"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A destination takes the spans.
type destination interface {
	// hand hands spans on; the slice stays the caller's.
	hand(ctx context.Context, spans []sdktrace.ReadOnlySpan) error
	flush(ctx context.Context) error
}

// exportDestination is an exporter, called by so many at once as there are slots.
type exportDestination struct {
	exporter sdktrace.SpanExporter
	slots    chan struct{}
}

func newExportDestination(to sdktrace.SpanExporter, atOnce int) destination {
	if to == nil {
		to = noExporter{}
	}
	return exportDestination{to, make(chan struct{}, atOnce)}
}

func (d exportDestination) hand(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("other exports are under way: %w", context.Cause(ctx))
	}
	defer func() { <-d.slots }()
	if ctx.Err() != nil { // both were possible
		return context.Cause(ctx)
	}
	return d.exporter.ExportSpans(ctx, spans)
}

func (exportDestination) flush(context.Context) error { return nil }

// noExporter says what is missing.
type noExporter struct{}

func (noExporter) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	return errors.New("the notifier was given no exporter")
}

func (noExporter) Shutdown(context.Context) error { return nil }

// processorDestination is a processor.
type processorDestination struct{ processor sdktrace.SpanProcessor }

func (d processorDestination) hand(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	switch {
	case d.processor == nil:
		return errors.New("the notifier was given no processor")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	for _, s := range spans {
		d.processor.OnEnd(s)
	}
	return nil
}

func (d processorDestination) flush(ctx context.Context) error {
	if d.processor == nil {
		return nil
	}
	return d.processor.ForceFlush(ctx)
}
