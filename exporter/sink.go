package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Sink is a kind of exporter that [Open] opens by its connection string. A
// sink takes spans as they are and cannot be read, so a sink is not a store.
type Sink struct {
	// Schemes are in lower case, without "://".
	Schemes []string
	// Open opens a connection string of one of the schemes. Blanks, line ends and
	// a byte order mark around the connection string have been removed. Open
	// makes an error about the text of the connection string by
	// [store.BadConnectionString].
	Open func(ctx context.Context, connectionString string, o SinkOptions) (sdktrace.SpanExporter, error)
}

// SinkOptions are the options of [Open] that a sink has to carry out.
type SinkOptions struct {
	// Retry is the value of [WithRetry].
	Retry store.Retry
	// Redaction names what the sink removes from each span before it sends the
	// span.
	Redaction tags.Redaction
	// Project, Service and Host, if they are not empty, replace service.namespace,
	// service.name and host.name in every resource.
	Project, Service, Host string
	// ServiceNamePrefix begins the service names that the sink forms.
	ServiceNamePrefix string
}

// A SinkError is the error of ExportSpans of a sink. It lists the spans that the
// target may not have. The indices are those of the slice that ExportSpans was
// given.
type SinkError struct {
	// Missing are the spans that were not delivered, as far as is known, in
	// order. Missing includes the refused spans.
	Missing []int
	// Refused are the spans that the target will not accept, now or later.
	Refused []int
	// Rejected is the number of spans that the target reports as rejected after
	// it accepted the request, without naming the spans (OTLP's partial
	// success). Rejected spans must not be sent again.
	Rejected int
	// Transient reports whether another call may deliver the spans that are
	// missing but not refused.
	Transient bool
	// Err is the reason.
	Err error
}

// Error implements error.
func (e *SinkError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *SinkError) Unwrap() error { return e.Err }

var sinks = struct {
	sync.RWMutex
	byScheme map[string]Sink
}{byScheme: map[string]Sink{}}

// RegisterSink makes a sink known under its schemes, also to [store.Open], which
// refuses them. A sink calls RegisterSink from init. RegisterSink panics if a
// scheme is already registered, or if Open is nil.
func RegisterSink(s Sink) {
	if s.Open == nil {
		panic("exporter: a sink without Open is registered")
	}
	store.RegisterSink(s.Schemes...)
	sinks.Lock()
	defer sinks.Unlock()
	for _, scheme := range s.Schemes {
		sinks.byScheme[scheme] = s
	}
}

func openSink(ctx context.Context, connectionString string, o SinkOptions) (sdktrace.SpanExporter, error) {
	scheme := store.Scheme(connectionString)
	sinks.RLock()
	sink, ok := sinks.byScheme[scheme]
	sinks.RUnlock()
	if !ok {
		return nil, fmt.Errorf("the sink of %s:// is not registered in package exporter: %w", scheme, errors.ErrUnsupported)
	}
	return sink.Open(ctx, trimmed(connectionString), o)
}

// trimmed removes the byte order mark, the blanks and the line end that a file or
// an environment variable may have around a connection string.
func trimmed(connectionString string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(connectionString), "\uFEFF"))
}
