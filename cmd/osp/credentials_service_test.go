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
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

// serviceVariable makes this test binary a service. Its value is the base id to
// write, a blank, and the connection string of the store.
const serviceVariable = "OSP_TEST_SERVICE"

// A remark is a line of the service's output about a call.
type remark struct{ What, Kind, Text string }

// The kinds of remarks.
const (
	isError  = "error"
	isDamage = "damage"
	isRead   = "read"   // the call returned the good trace
	isValue  = "value"  // a value as text
	isPython = "python" // Python's answer, which may fail where Python's driver fails
)

// runService runs a service and returns its remarks. It searches the remarks and the
// logs of the client libraries for passwords.
func runService(t *testing.T, connectionString, writeTo string) (remarks []remark) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
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

// A service writes its remarks to stdout as JSON.
type service struct {
	out                       *json.Encoder
	connectionString, writeTo string
}

// beService uses a store like a program that exports and a program that reads.
func beService(task string) {
	s := &service{out: json.NewEncoder(os.Stdout)}
	s.writeTo, s.connectionString, _ = strings.Cut(task, " ")
	ctx, cancel := context.WithTimeout(context.Background(), commandTime-time.Minute)
	defer cancel()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { s.fails("otel.Handle", err) }))
	s.export(ctx)
	s.live(ctx)
	s.write(ctx)
	s.read(ctx)
	s.take(ctx)
	s.report(ctx)
	s.python(ctx)
}

func (s *service) say(what, kind, text string) {
	if err := s.out.Encode(remark{what, kind, text}); err != nil {
		panic(err)
	}
}

// shows prints a value in all formats that a careless program may use.
func (s *service) shows(what string, v any) {
	s.say(what, isValue, fmt.Sprintf("%v %+v %#v", v, v, v))
	if m, ok := v.(interface{ MarshalLog() any }); ok {
		s.say(what+".MarshalLog", isValue, fmt.Sprintf("%+v %#v", m.MarshalLog(), m.MarshalLog()))
	}
}

// fails reports an error, and prints the error and its whole chain.
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

var once = store.Retry{Elapsed: -1}

func (s *service) span(id byte) sdktrace.ReadOnlySpan {
	return tracetest.SpanStub{Name: "x", StartTime: time.Now(), EndTime: time.Now(), SpanContext: s.context(id)}.Snapshot()
}

func (s *service) context(id byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: osprofiler.TraceIDOf(s.writeTo), SpanID: trace.SpanID{id}, TraceFlags: trace.FlagsSampled})
}

func (s *service) export(ctx context.Context) {
	e, err := exporter.Open(ctx, s.connectionString, exporter.WithRetry(once))
	if err != nil {
		s.fails("exporter.Open", err)
		return
	}
	s.shows("the exporter", e)
	s.fails("ExportSpans", e.ExportSpans(ctx, []sdktrace.ReadOnlySpan{s.span(1)}))
	s.fails("Shutdown", e.Shutdown(ctx))
}

// live exports a span with the live processor.
func (s *service) live(ctx context.Context) {
	p, err := live.Open(ctx, s.connectionString, live.WithRetry(once))
	if err != nil {
		s.fails("live.Open", err)
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

// read reads from the store itself.
func (s *service) read(ctx context.Context) {
	st, err := store.Open(ctx, s.connectionString, store.WithReadOnly())
	if err != nil {
		s.fails("store.OpenReadOnly", err)
		return
	}
	readAll(s, "Notifications", st.Notifications(ctx, goodTrace), func(n osprofiler.Notification) string { return n.BaseID })
	readAll(s, "Traces", st.Traces(ctx, store.Query{}), func(t store.Summary) string { return t.BaseID })
	readAll(s, "failed Traces", st.Traces(ctx, store.Query{Failed: true, Limit: 3}), func(t store.Summary) string { return t.BaseID })
	feed, err := st.Feed(ctx, "")
	if !errors.Is(err, errors.ErrUnsupported) { // a bus has no feed
		s.fails("Feed", err)
	}
	if err == nil {
		readAll(s, "Poll", feed.Poll(ctx), func(n osprofiler.Notification) string { return n.BaseID })
		s.fails("Close of the feed", feed.Close())
	}
	s.fails("Close", st.Close())
}

// take takes notifications from a bus, and returns them to it.
func (s *service) take(ctx context.Context) {
	st, err := store.Open(ctx, s.connectionString)
	if err != nil {
		return // write has reported the same error
	}
	taken, err := st.Consume(ctx)
	if !errors.Is(err, errors.ErrUnsupported) {
		s.fails("Take", err)
	}
	if err == nil {
		readAll(s, "Take", taken.Take(ctx), func(n osprofiler.Notification) string { return n.BaseID })
		s.fails("Close of the consumption", taken.Close())
	}
	s.fails("Close", st.Close())
}

// report reads with package reader.
func (s *service) report(ctx context.Context) {
	r, err := reader.Open(ctx, s.connectionString)
	if err != nil {
		s.fails("reader.Open", err)
		return
	}
	s.shows("the reader", r)
	readAll(s, "reader.Traces", r.Traces(ctx, store.Query{Limit: 9}), func(t store.Summary) string { return t.BaseID })
	readAll(s, "failed reader.Traces", r.Traces(ctx, store.Query{Failed: true}), func(t store.Summary) string { return t.BaseID })
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

// python reads Python's answers.
func (s *service) python(ctx context.Context) {
	r, err := python.Open(ctx, s.connectionString)
	if err != nil {
		return // reader.Open has reported the same error
	}
	defer r.Close()
	for _, listed := range []iter.Seq2[python.Row, error]{r.Traces(ctx, python.Query{}), r.FailedTraces(ctx, python.Query{})} {
		for row, err := range listed {
			s.say("python", isPython, fmt.Sprint(row, err))
			s.chain("python", err)
		}
	}
}

// readAll reads a sequence, and reports whether it had the good trace.
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
