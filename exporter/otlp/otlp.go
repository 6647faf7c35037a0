package otlp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/inflight"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	exporter.RegisterSink(exporter.Sink{
		Schemes: []string{schemeOTLP, schemeGRPC, schemeGRPCS, schemeHTTP, schemeHTTPS},
		Open: func(_ context.Context, connectionString string, o exporter.SinkOptions) (sdktrace.SpanExporter, error) {
			e, err := Open(connectionString, sinkOptions(o)...)
			if err != nil {
				return nil, err
			}
			return e, nil
		},
	})
}

// An Exporter sends spans by OTLP. It keeps nothing back: when ExportSpans returns
// nil, the target has said that it has all of the spans. It may be used by many
// goroutines.
type Exporter struct {
	config
	conn      connection
	resources resources
	batches   sync.Pool                             // of *batch
	smaller   atomic.Int64                          // the limit of a target that takes less than maxMessageSize, or 0
	warning   atomic.Pointer[string]                // the last one of the target
	known     atomic.Pointer[sdktrace.ReadOnlySpan] // the last span that the target took

	exports *inflight.Closer
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// Open returns an Exporter for the target that a connection string names. An option of
// the connection string takes precedence over the same one here, and both do over the
// variables OTEL_EXPORTER_OTLP_*. Open does not connect, so that a service starts while
// the target is down. [Exporter.Ping] connects.
func Open(connectionString string, opts ...ConnectionOption) (*Exporter, error) {
	c := newConfig()
	env, err := readEnvironment(&c)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	for _, opt := range opts {
		opt.applyToConnection(&c)
	}
	t, err := parse(connectionString, c, env)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	conn, err := t.connection()
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	return newExporter(conn, t.config), nil
}

// New returns an Exporter that sends by a client of the caller, such as one of
// otlptracegrpc or otlptracehttp. The client should not retry by itself. The caller
// starts it before, and stops it after Shutdown. A partial success of
// OTel's clients is known by the text of their error.
func New(client otlptrace.Client, opts ...Option) *Exporter {
	c := newConfig()
	for _, opt := range opts {
		opt.apply(&c)
	}
	return newExporter(foreignClient{client}, c)
}

func newExporter(conn connection, c config) *Exporter {
	e := &Exporter{config: c, conn: conn, exports: inflight.NewCloser()}
	e.resources.naming = c.naming
	return e
}

// Name returns the target, without a password.
func (e *Exporter) Name() string { return e.conn.name() }

// Ping sends a request without spans. Its error says what is wrong with the target or
// the connection.
func (e *Exporter) Ping(ctx context.Context) error {
	if !e.exports.Enter() {
		return exporter.ErrShutdown
	}
	defer e.exports.Leave()
	_, err := e.once(ctx, nil)
	return err
}

// ExportSpans implements sdktrace.SpanExporter. Transient failures are repeated until
// the context is done or the time of [WithRetry] is over. The error is an
// [*exporter.SinkError]. A span that the target refuses does not keep the others from
// being delivered.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if !e.exports.Enter() {
		return exporter.ErrShutdown
	}
	defer e.exports.Leave()
	ctx, cancel := inflight.BeforeDeadline(ctx)
	defer cancel()
	if !slices.Contains(spans, nil) {
		return e.deliver(ctx, spans)
	}
	var present []sdktrace.ReadOnlySpan
	var indices []int
	for i, s := range spans {
		if s != nil {
			present, indices = append(present, s), append(indices, i)
		}
	}
	err := e.deliver(ctx, present)
	var failed *exporter.SinkError
	if errors.As(err, &failed) {
		for _, list := range [][]int{failed.Missing, failed.Refused} {
			for i, at := range list {
				list[i] = indices[at]
			}
		}
	}
	return err
}

// Shutdown implements sdktrace.SpanExporter. It refuses new exports, waits for those
// in progress, and then closes the connections. It waits no longer than the context
// allows. Only the first call does so; later calls wait for the same end.
func (e *Exporter) Shutdown(ctx context.Context) error {
	ended, err := e.exports.Shutdown(ctx, e.conn.close)
	if !ended {
		return fmt.Errorf("the exporter is still sending to %s: %w", e.Name(), err)
	}
	return err
}

// MarshalLog describes this exporter for the SDK's logger.
func (e *Exporter) MarshalLog() any {
	return struct{ Type, Target string }{Type: "osprofiler/otlp", Target: e.Name()}
}

// limited returns a context for one request.
func (e *Exporter) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, e.timeout, errTimeout)
}

var errTimeout = fmt.Errorf("the time for one request is over: %w", context.DeadlineExceeded)
