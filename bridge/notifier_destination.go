package bridge

import (
	"context"
	"errors"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A destination receives the spans.
type destination interface {
	// export passes the spans on. It must not keep the slice.
	export(ctx context.Context, spans []sdktrace.ReadOnlySpan) error
	flush(ctx context.Context) error
}

// exportDestination passes spans to an exporter. Its slots bound the number of concurrent
// calls of the exporter.
type exportDestination struct {
	exporter sdktrace.SpanExporter
	slots    chan struct{}
}

func newExportDestination(exporter sdktrace.SpanExporter, concurrentExports int) destination {
	if exporter == nil {
		exporter = missingExporter{}
	}
	return exportDestination{exporter, make(chan struct{}, concurrentExports)}
}

func (d exportDestination) export(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("other exports are under way: %w", context.Cause(ctx))
	}
	defer func() { <-d.slots }()
	if ctx.Err() != nil { // select may choose the slot although the context is done
		return context.Cause(ctx)
	}
	return d.exporter.ExportSpans(ctx, spans)
}

func (exportDestination) flush(context.Context) error { return nil }

// missingExporter stands for a nil exporter. Its error reports that.
type missingExporter struct{}

func (missingExporter) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	return errors.New("the notifier was given no exporter")
}

func (missingExporter) Shutdown(context.Context) error { return nil }

// processorDestination passes spans to a processor.
type processorDestination struct{ processor sdktrace.SpanProcessor }

func (d processorDestination) export(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
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
