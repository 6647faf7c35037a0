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

// A Sink is a kind of exporter that [Open] opens by its connection string. It
// takes spans as they are and cannot be read, so it is no store.
type Sink struct {
	// Schemes are in lower case, without "://".
	Schemes []string
	// Open opens a connection string of one of the schemes. Blanks, line ends
	// and a byte order mark around it are dropped before. An error about the text
	// of the connection string is made by [store.BadConnectionString].
	Open func(ctx context.Context, connectionString string, o SinkOptions) (sdktrace.SpanExporter, error)
}

// SinkOptions are the options of [Open] that a sink has to carry out.
type SinkOptions struct {
	// Retry is that of [WithRetry].
	Retry store.Retry
	// Redaction is removed from each span before it is sent.
	Redaction tags.Redaction
	// Project, Service and Host, if they are not empty, replace service.namespace,
	// service.name and host.name of every resource.
	Project, Service, Host string
	// ServiceNamePrefix begins the service names that the sink forms.
	ServiceNamePrefix string
}

// A SinkError is the error of ExportSpans of a sink. It says which spans the target
// may not have. The indices are those of the slice that ExportSpans was given.
type SinkError struct {
	// Missing are the spans that were not delivered, as far as it is known, in
	// order. They include the refused ones.
	Missing []int
	// Refused are the spans that the target does not take, now or later.
	Refused []int
	// Rejected is the number of spans of which the target says that it took the
	// request and rejected them, without saying which (OTLP's partial success).
	// They must not be sent again.
	Rejected int
	// Transient says that the spans which are missing and not refused may be
	// delivered by another call.
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
// refuses them. A sink calls it from init. It panics if a scheme is registered
// already, or if there is no Open.
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

// trimmed drops the byte order mark, the blanks and the line end that a file or a
// variable has around a connection string.
func trimmed(connectionString string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(connectionString), "\uFEFF"))
}
