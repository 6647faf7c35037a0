package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

func TestNotifierMakesSpans(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(8)
	stop.Timestamp = "2024-05-06T07:00:09.000008"
	stop.Info = `{"etype": "ValueError", "message": "no", "host": "host-1"}`
	if err := n.Notify(t.Context(), stop); err != nil || len(exporter.all()) != 0 {
		t.Fatal("half an operation should wait:", err)
	}
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	s := exporter.all()[0]
	if s.SpanContext().TraceID() != osprofiler.TraceIDOf(start.BaseID) || s.SpanContext().SpanID() != osprofiler.SpanIDOf(start.TraceID) ||
		s.Parent().IsValid() || !s.SpanContext().IsSampled() {
		t.Error("ids:", s.SpanContext(), s.Parent())
	}
	if s.Name() != "wsgi" || s.SpanKind() != trace.SpanKindServer || s.Status().Code != codes.Error || s.EndTime().Sub(s.StartTime()) != time.Second {
		t.Error(s.Name(), s.SpanKind(), s.Status(), s.StartTime(), s.EndTime())
	}
	if got := s.Resource().String(); got != "host.name=host-1,service.name=api,service.namespace=nova" {
		t.Error(got)
	}
	if stats := n.Stats(); stats.Spans != 1 || stats.Received != 2 || stats.Incomplete.Total() != 0 || stats.Waiting != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestNotifierSharesResources(t *testing.T) {
	n, exporter := newNotifier(t)
	a, b := operation(1)
	c, d := operation(2)
	e, f := operation(3)
	e.Service, f.Service = "conductor", "conductor"
	if err := n.Notify(t.Context(), a, b, c, d, e, f); err != nil {
		t.Fatal(err)
	}
	spans := exporter.all()
	if spans[0].Resource() != spans[1].Resource() || spans[0].Resource() == spans[2].Resource() {
		t.Error("one resource for each project, service and host")
	}
	if exporter.batches != 1 {
		t.Errorf("the spans of one call should be one batch, not %d", exporter.batches)
	}
}

func TestNotifierConversion(t *testing.T) {
	n, exporter := newNotifier(t, bridge.WithConversion(convert.WithConventions(tags.Old), convert.WithRedaction(tags.Redaction{DBParams: true})))
	start, stop := operation(1)
	start.Name, stop.Name = "db-start", "db-stop"
	start.Info = `{"db": {"statement": "SELECT ?", "params": ["secret"]}, "host": "h"}`
	if err := n.Notify(t.Context(), start, stop); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(exporter.all()[0].Attributes())
	if !strings.Contains(text, "db.statement") || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

func TestNotifierProcessor(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	processor := sdktrace.NewBatchSpanProcessor(memory, sdktrace.WithBatchTimeout(time.Hour))
	n := bridge.NewProcessorNotifier(processor)
	start, stop := operation(1)
	half, _ := operation(2)
	if err := n.Notify(t.Context(), start, half, stop); err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := convert.New().Append(nil, convert.Both, memory.GetSpans().Snapshots()...)
	if err := sameNotifications(got, []osprofiler.Notification{start, stop, half}); err != nil {
		t.Error(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Notify(canceled, start); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := errors.Join(n.Shutdown(t.Context()), n.Shutdown(t.Context()), processor.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	checkStats(t, n.Stats())
}

func TestNotifierWithoutDestination(t *testing.T) {
	for _, n := range []*bridge.Notifier{bridge.NewNotifier(nil), bridge.NewProcessorNotifier(nil)} {
		start, stop := operation(1)
		if err := n.Notify(t.Context(), start, stop); err == nil || !strings.Contains(err.Error(), "was given no ") {
			t.Error(err)
		}
		if err := n.Shutdown(t.Context()); err == nil || n.Stats().Waiting != 1 {
			t.Error(err, n.Stats())
		}
	}
}

// No hostile notification does harm.
func TestNotifierHostileInput(t *testing.T) {
	n, exporter := newNotifier(t, bridge.WithMaxBytes(1<<20))
	all := []osprofiler.Notification{
		{}, {Name: "stop"}, {Name: "-start"}, {Name: "-stop"}, {TraceID: "\xff\xfe", Name: strings.Repeat("x", 1<<16)},
		{Name: "a-start", Timestamp: "yesterday"}, {Name: "deep-start", Info: osprofiler.Info(strings.Repeat(`{"a":[`, 10_000) + strings.Repeat("]}", 10_000))},
		{Name: "huge-start", TraceID: "huge", Info: osprofiler.Info(`{"x": "` + strings.Repeat("y", 2<<20) + `"}`)},
	}
	for i := range all {
		if err := n.Notify(t.Context(), all[i]); err != nil {
			t.Error(i, err)
		}
	}
	invalid := []osprofiler.Info{"{", "[]", "x", "{}\n", "{\n}", `{"a": }`, "{} {}"}
	for _, info := range invalid {
		start, stop := operation(5)
		start.Info = info
		if err := n.Notify(t.Context(), start, stop); err == nil || !strings.Contains(err.Error(), "JSON object") && !strings.Contains(err.Error(), "one line") {
			t.Errorf("%q: %v", info, err)
		}
	}
	if stats := n.Stats(); stats.Rejected != int64(len(invalid)) || stats.Duplicates != int64(len(invalid))-1 || stats.Incomplete.Bytes != 1 {
		t.Errorf("%+v", stats)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	for _, s := range exporter.all() {
		if !s.SpanContext().IsValid() || s.EndTime().Before(s.StartTime()) {
			t.Error(s.Name(), s.SpanContext())
		}
	}
}

// An info that is not an object, as a parser may find it, is kept. So are blanks around an
// info.
func TestNotifierOddInfos(t *testing.T) {
	n, exporter := newNotifier(t)
	var all []osprofiler.Notification
	for i, info := range []string{`""`, "null", "[1]", "7"} {
		start, _ := operation(i)
		one, err := osprofiler.ParseNotification(strings.Replace(start.JSON(), string(start.Info), info, 1))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	start, _ := operation(10)
	start.Info = ` {"x": 1} `
	all = append(all, start)
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), all...); err != nil || n.Stats().Duplicates != int64(len(all)) {
		t.Errorf("%v %+v", err, n.Stats())
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
}

func TestNotifierOptionsOutOfRange(t *testing.T) {
	n, _ := newNotifier(t, bridge.WithMaxWaiting(0), bridge.WithMaxBytes(-1), bridge.WithMaxAge(math.MinInt64),
		bridge.WithDuplicateWindow(0, 0), bridge.WithConcurrentExports(-5))
	start, _ := operation(1)
	if err := n.Notify(t.Context(), start); err != nil || n.Stats().Waiting != 1 {
		t.Error(err, n.Stats())
	}
}
