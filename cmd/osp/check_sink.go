package main

import (
	"context"
	"errors"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A reachable is a sink that can find out whether its target accepts requests.
type reachable interface {
	sdktrace.SpanExporter
	Name() string
	Ping(ctx context.Context) error
}

// checkSink checks whether the target of a sink accepts requests. It sends nothing that stays
// there. An error means that the connection string is wrong.
func (c *check) checkSink(ctx context.Context, at string) (found []finding, err error) {
	if c.write {
		return nil, usagef("--write needs a store, and %s:// names a target that takes spans and cannot be read", store.Scheme(at))
	}
	opened, err := exporter.Open(ctx, at, exporter.WithRetry(store.Retry{Elapsed: -1}))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Shutdown(context.WithoutCancel(ctx))) }()
	s := &storeCheck{check: c, at: at}
	sink, ok := opened.(reachable)
	if !ok {
		s.add("reach", resultUntested, "this kind of target does not answer")
		return s.unreadable(), nil
	}
	within, cancel := s.within(ctx)
	defer cancel()
	began := time.Now()
	if err := sink.Ping(within); err != nil {
		s.fail("reach", err)
	} else {
		s.add("reach", resultOK, sink.Name()+", in "+render.FormatDuration(time.Since(began)))
	}
	return s.unreadable(), ctx.Err()
}

// unreadable adds the findings that apply to every sink.
func (s *storeCheck) unreadable() []finding {
	s.add("read", resultNo, "this kind of target takes spans and cannot be read")
	return s.findings
}
