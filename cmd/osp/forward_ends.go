package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// An end is a source or a target that is open: a store, a listener or a sink.
type end struct {
	text     string // the connection string
	name     string // without a password
	store    *store.Store
	listener listener
	sink     sdktrace.SpanExporter
}

// ping returns the function that connects to the end, or nil if the end cannot be checked.
func (e *end) ping() func(context.Context) error {
	if e.store != nil {
		return e.store.Ping
	}
	if p, ok := e.sink.(interface{ Ping(context.Context) error }); ok {
		return p.Ping
	}
	return nil
}

func (e *end) close(ctx context.Context) error {
	switch {
	case e.store != nil:
		return e.store.Close()
	case e.sink != nil:
		return e.sink.Shutdown(ctx)
	}
	return nil // a listener is closed as a source
}

// ends are the open sources and targets.
type ends struct{ from, to []*end }

func (e *ends) close(ctx context.Context) (err error) {
	for _, one := range append(e.from[:len(e.from):len(e.from)], e.to...) {
		err = errors.Join(err, one.close(ctx))
	}
	return err
}

// open opens all sources and targets. Opening a store does not connect; opening a
// listener listens.
func (f *forward) open(ctx context.Context) (_ *ends, err error) {
	e := &ends{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close(ctx))
		}
	}()
	for _, text := range f.to {
		to, err := f.openTarget(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("--to: %w", err)
		}
		e.to = append(e.to, to)
	}
	for _, text := range f.from {
		from, err := f.openSource(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		e.from = append(e.from, from)
	}
	return e, nil
}

func (f *forward) openTarget(ctx context.Context, text string) (*end, error) {
	if store.IsSink(text) {
		opts := []exporter.Option{exporter.WithRetry(f.retry())}
		if f.namePrefix != "" {
			opts = append(opts, exporter.WithServiceNamePrefix(f.namePrefix))
		}
		sink, err := exporter.Open(ctx, text, opts...)
		return &end{text: text, name: sinkName(text), sink: sink}, err
	}
	s, err := store.Open(ctx, text)
	if err != nil {
		return nil, err
	}
	return &end{text: text, name: s.Name(), store: s}, nil
}

// openSource opens a store for reading only, unless its messages are taken.
func (f *forward) openSource(ctx context.Context, text string) (*end, error) {
	switch listens, isSink := otlpreceiver.Handles(text), store.IsSink(text); {
	case listens && f.following:
		l, err := f.openListener(text)
		if err != nil {
			return nil, err
		}
		return &end{text: text, name: l.Name(), listener: l}, nil
	case listens:
		return nil, usagef("%s is an address to listen on for spans, which needs --follow", sinkName(text))
	case isSink:
		return nil, usagef("%s takes spans and cannot be read; to listen for spans, give --follow and --from %s", sinkName(text), listenExample)
	}
	s, err := store.Open(ctx, text, store.WithReadOnly())
	if err == nil && s.Capabilities().Peek && f.moves() {
		err = s.Close() // the store has not connected yet
		if err == nil {
			s, err = store.Open(ctx, text)
		}
	}
	if err != nil {
		return nil, err
	}
	return &end{text: text, name: s.Name(), store: s}, nil
}

// listenExample is an address to listen on.
var listenExample = connstr.Own("otlp+http://127.0.0.1:4318")

// sinkName returns a connection string without user, password and options.
func sinkName(text string) string {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(text), "://")
	rest, _, _ = strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	return strings.ToLower(scheme) + "://" + rest
}

// checkLoops refuses a target whose contents return to a source, because they would be
// forwarded again and again.
func (e *ends) checkLoops(ctx context.Context) error {
	for _, from := range e.from {
		for _, to := range e.to {
			if err := checkLoop(ctx, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkLoop(ctx context.Context, from, to *end) error {
	switch {
	case from.listener != nil && to.sink != nil && reaches(to.text, from.listener.Addr()):
		return usagef("the target %s is the address on which --from listens, so the spans would come back; give another address to one of them", to.name)
	case from.store == nil || to.store == nil:
		return nil
	case !from.store.Capabilities().Peek && sameStore(from.text, to.text):
		return usageError{errSameStore}
	}
	bus, ok := driver.As[interface {
		Feeds(ctx context.Context, other driver.Driver) (bool, error)
	}](from.store.Driver())
	if !ok {
		return nil
	}
	switch feeds, err := bus.Feeds(ctx, to.store.Driver()); {
	case err != nil:
		return fmt.Errorf("cannot tell whether the source and the target are the same message bus: %w", err)
	case feeds:
		return usagef("what is written to --to comes back to --from: both name the same message bus and topic; give another topic (option topics) to one of them")
	}
	return nil
}

// sameStore reports whether both connection strings name the same store, as far as the texts
// show. If they name one store in different ways, forwarding finds every notification already
// in the target.
func sameStore(from, to string) bool {
	address := func(s string) string {
		_, rest, _ := strings.Cut(s, "://")
		rest, options, _ := strings.Cut(rest, "?")
		if store.Scheme(s) == "messaging" {
			rest = options // the options contain the transport URL
		}
		return store.Scheme(s) + "://" + path.Clean(rest)
	}
	return address(from) == address(to)
}

// retry returns how long a failed write is repeated. A relay that follows repeats it without
// end. It has a short time here, so that the relay learns of the failure early, for its
// health and its log.
func (f *forward) retry() store.Retry {
	if f.following {
		return store.Retry{Elapsed: 2 * time.Second}
	}
	return store.Retry{}
}

// target returns the target of relay for an end.
func (f *forward) target(e *end) relay.Target {
	if e.sink == nil {
		return relay.ToStore(e.store, relay.WithRetry(f.retry()))
	}
	return relay.ToExporter(e.sink, relay.WithTargetName(e.name), relay.WithPairing(f.maxAge.Duration, 0, 0),
		relay.WithConversion(convert.WithRedaction(f.redact.Redaction)))
}
