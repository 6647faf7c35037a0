// Package exporter takes part in OSProfiler traces from OpenTelemetry: its
// [Exporter] is an OTel SpanExporter that writes each span, as a start and a
// stop notification, into the store that the Python services write to.
//
// Register it as any exporter:
//
//	exp, err := exporter.Open(ctx, "sqlite:////var/lib/nova/traces.db")
//	provider := trace.NewTracerProvider(trace.WithBatcher(exp))
//
// Or register a [LiveProcessor] instead, which writes the start when the span
// starts, so that an operation that hangs is seen while it hangs. See
// docs/exporter.md and docs/live.md.
//
// A back end is linked into the program by importing its package, for
// instance _ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite", or all of
// them by exporter/all.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

// ErrShutdown is what ExportSpans returns after Shutdown.
var ErrShutdown = errors.New("the exporter is shut down")

// An Exporter writes spans into a Store. It keeps nothing back: when
// ExportSpans returns nil, the store holds all of them, as durably as it
// documents. It may be used by many goroutines.
type Exporter struct {
	store  store.Store
	owned  bool // Shutdown closes the store
	retry  store.Retry
	conv   *convert.Converter
	scheme string // for MarshalLog

	mu       sync.Mutex // guards shutdown, and underWay against Add after Wait
	shutdown bool
	underWay sync.WaitGroup

	ended    chan struct{} // closed when Shutdown's work is done
	closeErr error         // of the store; read it after ended
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// New returns an Exporter that writes into s, which stays the caller's to
// close, after Shutdown.
func New(s store.Store, opts ...Option) *Exporter {
	cfg := newConfig(opts)
	return &Exporter{
		store: s, retry: cfg.retry, conv: convert.New(cfg.convert...), scheme: fmt.Sprintf("%T", s),
		ended: make(chan struct{}),
	}
}

// Open opens what the connection string names, a store or a sink that takes
// spans natively, and returns the exporter for it. Shutdown closes it. Options
// that say how spans become notifications have no effect on sinks.
func Open(ctx context.Context, connectionString string, opts ...Option) (sdktrace.SpanExporter, error) {
	cfg := newConfig(opts)
	backend, err := store.Lookup(connectionString)
	if err != nil {
		return nil, err
	}
	if backend.OpenStore == nil {
		return openSink(ctx, connectionString, cfg)
	}
	s, err := store.Open(ctx, connectionString, cfg.store...)
	if err != nil {
		return nil, err
	}
	e := New(s, opts...)
	e.owned, e.scheme = true, store.Scheme(connectionString)
	return e, nil
}

func openSink(ctx context.Context, connectionString string, cfg config) (sdktrace.SpanExporter, error) {
	sink, err := store.OpenSink(ctx, connectionString, cfg.store...)
	if err != nil {
		return nil, err
	}
	exporter, ok := sink.(sdktrace.SpanExporter)
	if !ok {
		return nil, errors.Join(
			fmt.Errorf("%s:// takes no spans: %w", store.Scheme(connectionString), errors.ErrUnsupported),
			sink.Shutdown(ctx))
	}
	return exporter, nil
}

// ExportSpans implements sdktrace.SpanExporter. Transient failures are
// repeated until the context is done or the time of [WithRetry] is over; the
// error then says how many notifications are not known to be stored.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if !e.begin() {
		return ErrShutdown
	}
	defer e.underWay.Done()
	if len(spans) == 0 {
		return nil
	}
	batch := e.conv.Append(make([]osprofiler.Notification, 0, 2*len(spans)), spans...)
	if err := context.Cause(ctx); err != nil {
		return unwritten(len(batch), err)
	}
	return e.retry.Write(ctx, e.store, batch)
}

// unwritten is the error for a batch of which nothing was written.
func unwritten(notifications int, reason error) error {
	missing := make([]int, notifications)
	for i := range missing {
		missing[i] = i
	}
	return &store.WriteError{Missing: missing, Err: fmt.Errorf("none of %d notifications was written: %w", notifications, reason)}
}

// begin registers an export, unless the exporter is shut down.
func (e *Exporter) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.shutdown {
		e.underWay.Add(1)
	}
	return !e.shutdown
}

// end refuses exports from now on and tells whether it was the first to do so.
func (e *Exporter) end() (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first = !e.shutdown
	e.shutdown = true
	return first
}

// Shutdown implements sdktrace.SpanExporter: it refuses new exports, waits for
// those under way, though no longer than the context lets it, and then closes a
// store that Open opened. Only the first call does anything; later ones wait for
// that in the same way and return the same.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if e.end() {
		go e.finish()
	}
	select {
	case <-e.ended: // whatever has become of the context
		return e.closeErr
	default:
	}
	select {
	case <-e.ended:
		return e.closeErr
	case <-ctx.Done():
		return fmt.Errorf("the exporter is still writing: %w", context.Cause(ctx))
	}
}

// finish waits for the exports under way and closes the store.
func (e *Exporter) finish() {
	defer close(e.ended)
	e.underWay.Wait()
	if e.owned {
		e.closeErr = e.store.Close()
	}
}

// MarshalLog tells the SDK's logger what this exporter is.
func (e *Exporter) MarshalLog() any {
	return struct{ Type, Store string }{Type: "osprofiler", Store: e.scheme}
}
