package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
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

// Of equal notifications one counts, however it is written and whenever it comes.
func TestNotifierDuplicates(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	rewritten, err := osprofiler.ParseNotification(`{"service":"api","project":"nova","info":` +
		`{"host":"host-\u0031","request":{"scheme":"http","method":"GET","query":"","path":"/1"}},"timestamp":"` + start.Timestamp + `","parent_id":"` +
		start.ParentID + `","trace_id":"` + start.TraceID + `","base_id":"` + start.BaseID + `","name":"wsgi-start"}`)
	if err != nil || !rewritten.Equal(start) {
		t.Fatal(err, rewritten.JSON())
	}
	odd, err := osprofiler.ParseNotification(strings.TrimSuffix(start.JSON(), "}") + `, "more": 1}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), start, rewritten, start, odd, odd, stop, stop, start, rewritten, odd); err != nil {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Duplicates != 7 || stats.Spans != 1 || stats.Waiting != 1 || stats.Remembered != 2 {
		t.Errorf("%+v", stats)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), start, odd, stop); err != nil {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Duplicates != 10 || stats.Spans != 2 || stats.Waiting != 0 {
		t.Errorf("%+v", stats)
	}
	if err := sameNotifications(exporter.notifications(), []osprofiler.Notification{start, stop, odd}); err != nil {
		t.Error(err)
	}
}

// What is remembered is bounded in number and in time.
func TestNotifierForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := newNotifier(t, bridge.WithDuplicateWindow(6400, time.Minute))
		for i := range 20_000 {
			start, stop := operation(i)
			if err := n.Notify(t.Context(), start, stop); err != nil {
				t.Fatal(err)
			}
			if remembered := n.Stats().Remembered; remembered > 6400 {
				t.Fatal(remembered, "are remembered")
			}
		}
		start, stop := operation(19_999)
		time.Sleep(29 * time.Second)
		if err := n.Notify(t.Context(), start, stop); err != nil || n.Stats().Duplicates != 2 {
			t.Errorf("%v %+v", err, n.Stats())
		}
		time.Sleep(32 * time.Second)
		if remembered := n.Stats().Remembered; remembered != 0 {
			t.Error(remembered, "are remembered")
		}
		if err := n.Notify(t.Context(), start, stop); err != nil || n.Stats().Spans != 20_001 {
			t.Errorf("%v %+v", err, n.Stats())
		}
	})
}

// Operations that share an id find their own halves; what is left over pairs
// up, as it does in a trace that is read from a store.
func TestNotifierSharedID(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	named := func(n osprofiler.Notification, name string) osprofiler.Notification {
		n.Name = name
		return n
	}
	all := []osprofiler.Notification{
		start, named(start, "db-start"), named(start, "rpc-start"), named(stop, "db-stop"), named(stop, "x-stop"), stop,
	}
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Spans != 2 || stats.Waiting != 2 {
		t.Fatalf("%+v", stats)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := exporter.all()
	if len(spans) != 3 || spans[0].Name() != "db" || spans[1].Name() != "wsgi" || spans[2].Name() != "rpc" {
		t.Error(spans)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
	if incomplete := n.Stats().Incomplete.Total(); incomplete != 0 {
		t.Error(incomplete)
	}
}

func TestNotifierBounds(t *testing.T) {
	starts := func(count int) (all []osprofiler.Notification) {
		for i := range count {
			start, _ := operation(i)
			all = append(all, start)
		}
		return all
	}
	one := func() int64 { // the memory of one
		n, _ := newNotifier(t)
		if err := n.Notify(t.Context(), starts(11)[10]); err != nil {
			t.Fatal(err)
		}
		return n.Stats().WaitingBytes
	}()
	same := starts(1)[0]
	for name, c := range map[string]struct {
		options []bridge.NotifierOption
		all     []osprofiler.Notification
		waiting int64
		want    bridge.Incomplete
	}{
		"none":  {nil, starts(40), 40, bridge.Incomplete{}},
		"count": {[]bridge.NotifierOption{bridge.WithMaxWaiting(25)}, starts(40), 25, bridge.Incomplete{Count: 15}},
		"bytes": {[]bridge.NotifierOption{bridge.WithMaxBytes(25 * one)}, starts(60)[10:50], 25, bridge.Incomplete{Bytes: 15}},
		"alone": {[]bridge.NotifierOption{bridge.WithMaxBytes(one - 1)}, starts(15)[10:], 0, bridge.Incomplete{Bytes: 5}},
		"one id": {nil, func() (all []osprofiler.Notification) {
			for i := range 40 {
				same.Timestamp = fmt.Sprintf("2024-05-06T07:00:00.%06d", i)
				all = append(all, same)
			}
			return all
		}(), 32, bridge.Incomplete{SameID: 8}},
	} {
		t.Run(name, func(t *testing.T) {
			n, exporter := newNotifier(t, c.options...)
			for _, s := range c.all {
				if err := n.Notify(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if stats := n.Stats(); stats.Incomplete != c.want || stats.Waiting != c.waiting {
				t.Errorf("%+v", stats)
			}
			for i, s := range exporter.all() { // the oldest went first
				if got := convert.New().Append(nil, s); len(got) != 1 || !got[0].Equal(c.all[i]) {
					t.Fatalf("%d: %v", i, got)
				}
				if missing := s.Attributes()[len(s.Attributes())-1]; missing.Key != convert.MissingKey || missing.Value.AsString() != "stop" {
					t.Fatal(s.Attributes())
				}
			}
		})
	}
}

func TestNotifierAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, exporter := newNotifier(t, bridge.WithMaxAge(time.Minute))
		old, _ := operation(1)
		young, stop := operation(2)
		if err := n.Notify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if err := n.Notify(t.Context(), young); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Second)
		if got := len(exporter.all()); got != 0 {
			t.Error("too early:", got)
		}
		time.Sleep(2 * time.Second)
		if got := exporter.notifications(); len(got) != 1 || !got[0].Equal(old) {
			t.Error(got)
		}
		if err := n.Notify(t.Context(), stop); err != nil {
			t.Fatal(err)
		}
		if stats := n.Stats(); stats.Incomplete != (bridge.Incomplete{Age: 1}) || stats.Spans != 2 || stats.Waiting != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// An exporter that fails when time is up is told to OTel's error handler, and
// the halves wait again.
func TestNotifierAgeWithoutExporter(t *testing.T) {
	errs := handled(t)
	n, exporter := newNotifier(t, bridge.WithMaxAge(20*time.Millisecond))
	exporter.failing(errStore)
	start, _ := operation(1)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; !errors.Is(err, errStore) {
		t.Error(err)
	}
	exporter.working()
	for n.Stats().Spans == 0 {
		time.Sleep(time.Millisecond)
	}
	if stats := n.Stats(); stats.Incomplete.Age != 1 || stats.FailedExports == 0 {
		t.Errorf("%+v", stats)
	}
}

func TestNotifierFlushAndShutdown(t *testing.T) {
	n, exporter := newNotifier(t)
	var all []osprofiler.Notification
	for i := range 1500 {
		start, _ := operation(i)
		all = append(all, start)
	}
	if err := n.Notify(t.Context(), all[:1400]...); err != nil {
		t.Fatal(err)
	}
	exporter.failing(errStore)
	if err := n.Flush(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Waiting != 1400 || stats.Spans != 0 {
		t.Errorf("%+v", stats)
	}
	exporter.working()
	if err := n.Flush(t.Context()); err != nil || len(exporter.all()) != 1400 {
		t.Error(err, len(exporter.all()))
	}
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Shutdown(canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := n.Notify(t.Context(), all[0]); !errors.Is(err, bridge.ErrNotifierShutdown) {
		t.Error(err)
	}
	if err := n.Flush(t.Context()); !errors.Is(err, bridge.ErrNotifierShutdown) {
		t.Error(err)
	}
	if err := n.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Incomplete != (bridge.Incomplete{Flush: 1400, Shutdown: 100}) || stats.Duplicates != 1400 || stats.Rejected != 1 {
		t.Errorf("%+v", stats)
	}
	if exporter.shutdown != 0 {
		t.Error("the exporter is its owner's to shut down")
	}
}

// What could not be exported can be notified again, and what had waited before
// waits again.
func TestNotifierFailedExport(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	another, _ := operation(2)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	exporter.failing(errStore)
	if err := n.Notify(t.Context(), another, stop); !errors.Is(err, errStore) || !strings.Contains(err.Error(), "1 spans") {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Failed != 1 || stats.Waiting != 2 || stats.Spans != 0 || stats.FailedExports != 1 || stats.Remembered != 0 {
		t.Errorf("%+v", stats)
	}
	exporter.working()
	if err := n.Notify(t.Context(), another, stop); err != nil {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Spans != 1 || stats.Duplicates != 1 || stats.Waiting != 1 {
		t.Errorf("%+v", stats)
	}
}

// While nothing can be exported and nothing more may wait, Notify refuses what
// comes rather than losing what waits.
func TestNotifierFullAndFailing(t *testing.T) {
	n, exporter := newNotifier(t, bridge.WithMaxWaiting(10))
	var all []osprofiler.Notification
	for i := range 30 {
		start, stop := operation(i)
		all = append(all, start, stop)
	}
	for i := range 10 {
		if err := n.Notify(t.Context(), all[2*i]); err != nil {
			t.Fatal(err)
		}
	}
	exporter.failing(errStore)
	for i := 10; i < 30; i++ {
		if err := n.Notify(t.Context(), all[2*i]); !errors.Is(err, errStore) {
			t.Fatal(err)
		}
	}
	if err := n.Notify(t.Context(), all[20:]...); !errors.Is(err, errStore) {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Waiting != 10 {
		t.Errorf("%+v", stats)
	}
	exporter.working()
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Spans != 30 || stats.Incomplete.Total() != 0 {
		t.Errorf("%+v", stats)
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
	got := convert.New().Append(nil, memory.GetSpans().Snapshots()...)
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

// Nothing that may come does harm.
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

// What a parser found where an info should be is kept, as are blanks around one.
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

// A call waits no longer than its context lets it: neither for the exporter nor
// for another call's export.
func TestNotifierContext(t *testing.T) {
	inside := make(chan struct{})
	n := bridge.NewNotifier(blocked{inside})
	notify := func(ctx context.Context, i int) error {
		start, stop := operation(i)
		return n.Notify(ctx, start, stop)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan error)
	go func() { first <- notify(ctx, 1) }()
	<-inside
	short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := notify(short, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	half, _ := operation(3)
	if err := n.Notify(t.Context(), half); err != nil {
		t.Error("what completes nothing should not wait:", err)
	}
	if err := n.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := n.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	cancel(errStore)
	if err := <-first; !errors.Is(err, errStore) {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Failed != 2 || stats.Waiting != 3 || stats.Remembered != 0 {
		t.Errorf("%+v", stats)
	}
	go func() { <-inside }()
	short, stop = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := n.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	checkStats(t, n.Stats())
}

// What is on its way out holds its room. Where it holds all there is, a call
// waits until some is free, or its context is done.
func TestNotifierNoRoomLeft(t *testing.T) {
	inside := make(chan struct{})
	n := bridge.NewNotifier(blocked{inside}, bridge.WithMaxWaiting(1))
	start, stop := operation(1)
	another, _ := operation(2)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan error)
	go func() { first <- n.Notify(ctx, stop) }()
	<-inside
	short, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if err := n.Notify(short, another); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
	cancel(errStore)
	if err := <-first; !errors.Is(err, errStore) {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Waiting != 1 || stats.Rejected != 1 || stats.Failed != 1 {
		t.Errorf("%+v", stats)
	}
	go func() { <-inside }()
	ended, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if err := n.Shutdown(ended); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	checkStats(t, n.Stats())
}

// blocked is an exporter that never gets anywhere.
type blocked struct{ inside chan struct{} }

func (b blocked) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	b.inside <- struct{}{}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (blocked) Shutdown(context.Context) error { return nil }

func TestNotifierOptionsOutOfRange(t *testing.T) {
	n, _ := newNotifier(t, bridge.WithMaxWaiting(0), bridge.WithMaxBytes(-1), bridge.WithMaxAge(math.MinInt64),
		bridge.WithDuplicateWindow(0, 0), bridge.WithConcurrentExports(-5))
	start, _ := operation(1)
	if err := n.Notify(t.Context(), start); err != nil || n.Stats().Waiting != 1 {
		t.Error(err, n.Stats())
	}
}
