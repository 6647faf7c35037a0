package jaeger

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/inflight"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	exporter.RegisterSink(exporter.Sink{
		Schemes: []string{schemeUDP, schemeHTTP, schemeHTTPS},
		Open: func(_ context.Context, connectionString string, o exporter.SinkOptions) (sdktrace.SpanExporter, error) {
			e, err := Open(connectionString, sinkOptions(o)...)
			if err != nil {
				return nil, err
			}
			return e, nil
		},
	})
}

// An Exporter sends spans to Jaeger. It keeps nothing back. When ExportSpans returns nil,
// a collector has said that it has all of the spans. By UDP, they are sent, and nothing
// has said that nobody listens. An Exporter may be used by many goroutines.
type Exporter struct {
	config
	sender sender

	exports *inflight.Closer
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// A sender sends messages to one target. Its methods may be called by many goroutines.
type sender interface {
	// name returns the target, without a password.
	name() string
	// cutter returns the cutter of messages for the target.
	cutter() *cutter
	// send sends a message. A [*store.TransientError] may pass, a [*refusedError] is about
	// the message.
	send(ctx context.Context, b *batch) error
	// ping connects, and sends nothing that Jaeger would store.
	ping(ctx context.Context) error
	close() error
}

// Open returns an Exporter for the agent or the collector that a connection string names.
// An option of the connection string takes precedence over the same one here. Open does
// not connect, so that a service starts while the target is down. [Exporter.Ping]
// connects.
func Open(connectionString string, opts ...Option) (*Exporter, error) {
	made, c, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	return &Exporter{config: c, sender: made, exports: inflight.NewCloser()}, nil
}

// Name returns the target, without a password.
func (e *Exporter) Name() string { return e.sender.name() }

// Ping sends a request without spans. Its error says what is wrong with the target or
// the connection. By UDP, it can only say that the host is unknown, or that the host
// reported that nobody listens on the port.
func (e *Exporter) Ping(ctx context.Context) error {
	if !e.exports.Enter() {
		return exporter.ErrShutdown
	}
	defer e.exports.Leave()
	return e.sender.ping(ctx)
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
	if len(spans) == 0 {
		return nil
	}
	ctx, cancel := inflight.BeforeDeadline(ctx)
	defer cancel()
	return e.deliver(ctx, spans)
}

// Shutdown implements sdktrace.SpanExporter. It refuses new exports, waits for those
// in progress, and then closes the connections. It waits no longer than the context
// allows. Only the first call does so; later calls wait for the same end.
func (e *Exporter) Shutdown(ctx context.Context) error {
	ended, err := e.exports.Shutdown(ctx, e.sender.close)
	if !ended {
		return fmt.Errorf("the exporter is still sending to %s: %w", e.Name(), err)
	}
	return err
}

// MarshalLog describes this exporter for the SDK's logger.
func (e *Exporter) MarshalLog() any {
	return struct{ Type, Target string }{Type: "osprofiler/jaeger", Target: e.Name()}
}
