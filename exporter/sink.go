package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Sink is a kind of exporter that [Open] opens by its connection string. It
// takes spans as they are and cannot be read, so it is no store.
type Sink struct {
	// Schemes are in lower case, without "://".
	Schemes []string
	// Open opens a connection string of one of the schemes. Blanks, line ends
	// and a byte order mark around it are dropped before. An error about the text
	// of the connection string is made by [store.BadConnectionString].
	Open func(ctx context.Context, connectionString string) (sdktrace.SpanExporter, error)
}

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

func openSink(ctx context.Context, connectionString string) (sdktrace.SpanExporter, error) {
	scheme := store.Scheme(connectionString)
	sinks.RLock()
	sink, ok := sinks.byScheme[scheme]
	sinks.RUnlock()
	if !ok {
		return nil, fmt.Errorf("the sink of %s:// is not registered in package exporter: %w", scheme, errors.ErrUnsupported)
	}
	return sink.Open(ctx, trimmed(connectionString))
}

// trimmed drops the byte order mark, the blanks and the line end that a file or a
// variable has around a connection string.
func trimmed(connectionString string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(connectionString), "\uFEFF"))
}
