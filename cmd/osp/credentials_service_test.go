package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// serviceVariable makes this test binary a service, which uses the store of
// the connection string in it and writes under the base id behind the blank.
const serviceVariable = "OSP_TEST_SERVICE"

// A remark is what a service has to say of one call.
type remark struct{ What, Kind, Text string }

// The kinds of remarks. Upstream's answers are not ours: they may fail where
// upstream's driver would.
const (
	isError    = "error"
	isDamage   = "damage"
	isRead     = "read" // the good trace came
	isValue    = "value"
	isUpstream = "upstream"
)

// runService runs a service, and greps all that it writes, its remarks and
// what the client libraries log by themselves.
func runService(t *testing.T, connectionString, writeTo string) (remarks []remark) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(cleanEnv(), serviceVariable+"="+writeTo+" "+connectionString)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the service: %v\n%.2000s", err, &stderr)
	}
	showsNoPassword(t, "a client library's log", stderr.String())
	for decoder := json.NewDecoder(&stdout); ; {
		var r remark
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return remarks
		} else if err != nil {
			t.Fatal(err)
		}
		showsNoPassword(t, r.What, r.Text)
		remarks = append(remarks, r)
	}
}

// A service says on stdout, in JSON, what it is told.
type service struct {
	out                       *json.Encoder
	connectionString, writeTo string
}

// beService is what a program does that exports, and one that reads.
func beService(task string) {
	s := &service{out: json.NewEncoder(os.Stdout)}
	s.writeTo, s.connectionString, _ = strings.Cut(task, " ")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { s.fails("otel.Handle", err) }))
	s.export(ctx)
	s.live(ctx)
	s.write(ctx)
	s.read(ctx)
	s.report(ctx)
	s.upstream(ctx)
}

func (s *service) say(what, kind, text string) {
	if err := s.out.Encode(remark{what, kind, text}); err != nil {
		panic(err)
	}
}

// shows prints a value as a careless program does.
func (s *service) shows(what string, v any) {
	s.say(what, isValue, fmt.Sprintf("%v %+v %#v", v, v, v))
	if m, ok := v.(interface{ MarshalLog() any }); ok {
		s.say(what+".MarshalLog", isValue, fmt.Sprintf("%+v %#v", m.MarshalLog(), m.MarshalLog()))
	}
}

// fails tells of an error, and prints it and all in its chain.
func (s *service) fails(what string, err error) {
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return
	}
	kind := isError
	if !store.Ends(err) {
		kind = isDamage
	}
	s.say(what, kind, err.Error())
	s.chain(what, err)
}

func (s *service) chain(what string, err error) {
	if err == nil {
		return
	}
	s.shows(what, err)
	s.chain(what, errors.Unwrap(err))
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range list.Unwrap() {
			s.chain(what, one)
		}
	}
}

var once = exporter.WithRetry(store.Retry{Elapsed: -1})

func (s *service) span(id byte) sdktrace.ReadOnlySpan {
	return tracetest.SpanStub{Name: "x", StartTime: time.Now(), EndTime: time.Now(), SpanContext: s.context(id)}.Snapshot()
}

func (s *service) context(id byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: osprofiler.TraceIDOf(s.writeTo), SpanID: trace.SpanID{id}, TraceFlags: trace.FlagsSampled})
}

func (s *service) export(ctx context.Context) {
	e, err := exporter.Open(ctx, s.connectionString, once)
	if err != nil {
		s.fails("exporter.Open", err)
		return
	}
	s.shows("the exporter", e)
	s.fails("ExportSpans", e.ExportSpans(ctx, []sdktrace.ReadOnlySpan{s.span(1)}))
	s.fails("Shutdown", e.Shutdown(ctx))
}

// live has a span that starts and ends.
func (s *service) live(ctx context.Context) {
	p, err := exporter.OpenLive(ctx, s.connectionString, once)
	if err != nil {
		s.fails("exporter.OpenLive", err)
		return
	}
	s.shows("the processor", p)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
	_, span := provider.Tracer("x").Start(trace.ContextWithSpanContext(ctx, s.context(2)), "x")
	span.End()
	s.fails("ForceFlush", provider.ForceFlush(ctx))
	s.fails("Shutdown", provider.Shutdown(ctx))
}

func (s *service) write(ctx context.Context) {
	st, err := store.Open(ctx, s.connectionString)
	if err != nil {
		s.fails("store.Open", err)
		return
	}
	s.shows("the store", st)
	s.fails("Write", st.Write(ctx, []osprofiler.Notification{event(s.writeTo, "y-start")}))
	s.fails("Close", st.Close())
}

// read asks the store itself.
func (s *service) read(ctx context.Context) {
	st, err := store.Open(ctx, s.connectionString, store.WithReadOnly())
	if err != nil {
		s.fails("store.OpenReadOnly", err)
		return
	}
	readAll(s, "Notifications", st.Notifications(ctx, goodTrace), func(n osprofiler.Notification) string { return n.BaseID })
	readAll(s, "Traces", st.Traces(ctx, store.Query{}), func(t store.Trace) string { return t.BaseID })
	readAll(s, "ErrorTraces", st.(store.ErrorTracer).ErrorTraces(ctx, store.Query{Limit: 3}), func(t store.Trace) string { return t.BaseID })
	readAll(s, "Changes", st.(store.Changer).Changes(ctx, ""), func(c store.Change) string { return c.BaseID })
	s.fails("Close", st.Close())
}

// report asks by the reader.
func (s *service) report(ctx context.Context) {
	r, err := reader.Open(ctx, s.connectionString)
	if err != nil {
		s.fails("reader.Open", err)
		return
	}
	s.shows("the reader", r)
	readAll(s, "reader.Traces", r.Traces(ctx, store.Query{Limit: 9}), func(t store.Trace) string { return t.BaseID })
	readAll(s, "reader.ErrorTraces", r.ErrorTraces(ctx, store.Query{}), func(t store.Trace) string { return t.BaseID })
	readAll(s, "reader.Spans", r.Spans(ctx, goodTrace), func(span sdktrace.ReadOnlySpan) string {
		return osprofiler.BaseIDOf(span.SpanContext().TraceID())
	})
	report, err := r.Report(ctx, goodTrace)
	s.fails("reader.Report", err)
	if err == nil {
		s.say("reader.Report", isRead, report.Children[0].TraceID)
		for _, w := range report.Warnings {
			s.say("reader.Report", isDamage, w)
		}
	}
	s.fails("Close", r.Close())
}

// upstream asks for the answers of the Python library.
func (s *service) upstream(ctx context.Context) {
	r, err := reader.Open(ctx, s.connectionString, reader.WithUpstreamAnswers())
	if err != nil {
		return // reader.Open has said it
	}
	defer r.Close()
	for _, listed := range []iter.Seq2[store.Trace, error]{r.Traces(ctx, store.Query{}), r.ErrorTraces(ctx, store.Query{})} {
		for t, err := range listed {
			s.say("upstream", isUpstream, fmt.Sprint(t, err))
			s.chain("upstream", err)
		}
	}
}

// readAll reads a sequence, and tells whether the good trace was in it.
func readAll[T any](s *service, what string, all iter.Seq2[T, error], baseID func(T) string) {
	good := false
	for v, err := range all {
		s.fails(what, err)
		good = good || err == nil && baseID(v) == goodTrace
	}
	if good {
		s.say(what, isRead, goodTrace)
	}
}
