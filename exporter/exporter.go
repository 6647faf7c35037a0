// Package exporter writes OpenTelemetry spans into an OSProfiler store. Its
// [Exporter] is an OTel SpanExporter that writes each span, as a start and a stop
// notification, next to those of the Python services.
//
// Register it like any other exporter:
//
//	exp, err := exporter.Open(ctx, "sqlite:////var/lib/nova/traces.db")
//	provider := trace.NewTracerProvider(trace.WithBatcher(exp))
//
// [Open] opens a sink as well, such as exporter/otlp: an exporter that sends spans as
// they are. Its ExportSpans returns a [*SinkError].
//
// Package exporter/live writes the start when the span starts, so that an
// operation that hangs is seen while it hangs. See docs/exporter.md and
// docs/live.md.
//
// The package of the back end must be linked into the program: import it, for
// instance _ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite", or all of
// them by exporter/all.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/inflight"
	"github.com/osprofiler-otel/osprofiler/store"
)

// ErrShutdown is the error of ExportSpans after Shutdown.
var ErrShutdown = errors.New("the exporter is shut down")

// An Exporter writes spans into a Store. An Exporter buffers nothing: when
// ExportSpans returns nil, the store holds all of the spans, as durably as the
// back end documents. An Exporter may be used by many goroutines.
type Exporter struct {
	store     *store.Store
	owned     bool // Shutdown closes the store
	retry     store.Retry
	failing   atomic.Pointer[error] // of the last try to write; nil after a success
	converter *convert.Converter

	exports *inflight.Closer
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// New returns an Exporter that writes into s. The caller closes s, after
// Shutdown.
func New(s *store.Store, opts ...Option) *Exporter {
	return newExporter(s, false, newConfig(opts))
}

// Open opens the store or the sink that the connection string names, and
// returns the exporter for it. Opening does not connect. Shutdown closes the
// store.
//
// A sink takes spans as they are. It ignores WithSpanNames and
// WithFilterErrorTrace.
func Open(ctx context.Context, connectionString string, opts ...Option) (sdktrace.SpanExporter, error) {
	cfg := newConfig(opts)
	if store.IsSink(connectionString) {
		cfg.sink.Retry = cfg.retry
		return openSink(ctx, connectionString, cfg.sink)
	}
	s, err := store.Open(ctx, connectionString, cfg.store...)
	if err != nil {
		return nil, err
	}
	return newExporter(s, true, cfg), nil
}

func newExporter(s *store.Store, owned bool, cfg config) *Exporter {
	e := &Exporter{
		store: s, owned: owned, retry: cfg.retry, converter: convert.New(cfg.convert...),
		exports: inflight.NewCloser(),
	}
	told := e.retry.Failed
	e.retry.Failed = func(err error) {
		e.failing.Store(&err)
		if told != nil {
			told(err)
		}
	}
	return e
}

// ExportSpans implements sdktrace.SpanExporter. Transient failures are repeated
// until the context is done or the time of [WithRetry] is over. The error then
// says how many notifications may not be stored.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if !e.exports.Enter() {
		return ErrShutdown
	}
	defer e.exports.Leave()
	if len(spans) == 0 {
		return nil
	}
	batch := e.converter.Append(make([]osprofiler.Notification, 0, 2*len(spans)), convert.Both, spans...)
	if err := context.Cause(ctx); err != nil {
		return notWritten(len(batch), err)
	}
	ctx, cancel := inflight.BeforeDeadline(ctx)
	defer cancel()
	err := e.retry.Write(ctx, e.store, batch)
	if err == nil {
		e.failing.Store(nil)
	}
	return err
}

// notWritten returns the error for a batch of which nothing was written.
func notWritten(notifications int, reason error) error {
	missing := make([]int, notifications)
	for i := range missing {
		missing[i] = i
	}
	return &store.WriteError{Missing: missing, Err: fmt.Errorf("no time was left to write: %w; none of %d notifications was written", reason, notifications)}
}

// Shutdown implements sdktrace.SpanExporter. It refuses new exports, waits for
// those in progress, and then closes a store that Open opened. Shutdown waits no
// longer than the context allows. Only the first call does this work. Later calls
// wait until it is done and return the same error.
func (e *Exporter) Shutdown(ctx context.Context) error {
	began := time.Now()
	ended, err := e.exports.Shutdown(ctx, e.close)
	if !ended {
		return e.stillWriting(err, began)
	}
	return err
}

// stillWriting returns the error of a Shutdown whose context ended before the
// exports in progress did.
func (e *Exporter) stillWriting(end error, began time.Time) error {
	if failing := e.failing.Load(); failing != nil {
		return explained.New(errors.Join(end, *failing), "%v; gave up after %s, while the exporter still tries to write", *failing, explained.Seconds(time.Since(began)))
	}
	return fmt.Errorf("the exporter is still writing to %s: %w", e.store.Name(), end)
}

// close closes a store that Open opened.
func (e *Exporter) close() error {
	if !e.owned {
		return nil
	}
	return e.store.Close()
}

// MarshalLog describes this exporter to the SDK's logger.
func (e *Exporter) MarshalLog() any {
	return struct{ Type, Store string }{Type: "osprofiler", Store: e.store.Name()}
}
