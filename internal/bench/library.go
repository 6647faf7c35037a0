package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"testing"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/reader"
)

//go:embed library.py
var libraryScript string

// row is one kind of work, with the seconds per operation of both sides.
type row struct {
	what          string
	ours, pythons float64
}

// library compares this project with the Python library in work that needs no store.
// Both use one core.
func library(w io.Writer, python string, count int) error {
	lines := workload.Lines(count)
	theirs, err := measurePython(python, lines)
	if err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rows := []row{
		{what: "a finished span of 8 attributes to two notifications, JSON (Python: the JSON alone)", pythons: theirs.Encode},
		{what: "an operation with the same attributes, from its start to two notifications, JSON", pythons: theirs.Operation},
		{what: fmt.Sprintf("report of %d notifications from JSON", count), pythons: theirs.Report},
		{what: "signed headers written from a context (Python: signed alone)", pythons: theirs.Sign},
		{what: "signed headers read into a context (Python: verified alone)", pythons: theirs.Verify},
	}
	for i, f := range []func(*testing.B){encodeSpans, operations, func(b *testing.B) { report(b, lines) }, inject, extract} {
		if rows[i].ours, err = perOperation(f); err != nil {
			return err
		}
	}
	return printLibrary(w, rows)
}

func printLibrary(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "Go\tPython\tratio\t  what")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%.1f\t  %s\n", duration(r.ours), duration(r.pythons), r.pythons/r.ours, r.what)
	}
	return t.Flush()
}

// duration formats seconds with about three digits, in a suitable unit.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	return d.Round(max(1, d/1000)).String()
}

// pythons are the Python library's seconds per operation.
type pythons struct{ Encode, Operation, Report, Sign, Verify float64 }

func measurePython(python string, lines []string) (p pythons, err error) {
	work := struct {
		Notifications []osprofiler.Notification `json:"notifications"`
		Lines         []string                  `json:"lines"`
	}{convert.New().Append(nil, convert.Both, workload.Spans(1)...), lines}
	err = askPython(context.Background(), python, libraryScript, work, &p)
	return p, err
}

// perOperation runs a benchmark three times and returns the best.
func perOperation(f func(b *testing.B)) (seconds float64, err error) {
	for range 3 {
		r := testing.Benchmark(f)
		if r.N == 0 {
			return 0, fmt.Errorf("a benchmark failed")
		}
		if s := r.T.Seconds() / float64(r.N); seconds == 0 || s < seconds {
			seconds = s
		}
	}
	return seconds, nil
}

// encodeSpans converts and writes finished spans in batches.
func encodeSpans(b *testing.B) {
	batch := workload.Spans(batchSize)
	var w writer
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		w.write(batch[:min(len(batch), b.N-n)])
	}
}

// operations makes spans with the OpenTelemetry SDK, and then converts and writes
// them in batches.
func operations(b *testing.B) {
	var w writer
	like := workload.Spans(1)[0]
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(like.Resource()), sdktrace.WithSpanProcessor(&w))
	tracer := provider.Tracer(like.InstrumentationScope().Name)
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), like.Parent())
	b.ResetTimer()
	for range b.N {
		_, span := tracer.Start(ctx, like.Name(), trace.WithSpanKind(like.SpanKind()), trace.WithAttributes(like.Attributes()...))
		span.End()
	}
	if err := provider.Shutdown(ctx); err != nil {
		b.Fatal(err)
	}
}

// writer writes spans as notifications to memory. As a SpanProcessor it writes them in
// batches.
type writer struct {
	converter     *convert.Converter
	notifications []osprofiler.Notification
	text          []byte
	batch         []sdktrace.ReadOnlySpan
}

func (w *writer) write(spans []sdktrace.ReadOnlySpan) {
	if w.converter == nil {
		w.converter = convert.New()
	}
	w.notifications = w.converter.Append(w.notifications[:0], convert.Both, spans...)
	w.text = w.text[:0]
	for i := range w.notifications {
		w.text = w.notifications[i].AppendJSON(w.text)
	}
}

func (w *writer) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

func (w *writer) OnEnd(span sdktrace.ReadOnlySpan) {
	if w.batch = append(w.batch, span); len(w.batch) == batchSize {
		w.write(w.batch)
		w.batch = w.batch[:0]
	}
}

func (w *writer) ForceFlush(context.Context) error {
	w.write(w.batch)
	return nil
}

func (w *writer) Shutdown(ctx context.Context) error { return w.ForceFlush(ctx) }

func report(b *testing.B, lines []string) {
	for b.Loop() {
		r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
			for _, line := range lines {
				if !yield(osprofiler.ParseNotification(line)) {
					return
				}
			}
		})
		if err != nil || len(r.Children) != 1 {
			b.Fatal("the report is wrong: ", err)
		}
	}
}

// signedContext is a context with the headers from which it was made.
func signedContext() (propagation.TextMapPropagator, context.Context, propagation.HeaderCarrier) {
	prop, headers := bridge.NewPropagator(bridge.NewKeys("key")), propagation.HeaderCarrier{}
	info, mac := osprofiler.TraceInfo{BaseID: osprofiler.NewID(), ParentID: osprofiler.NewID()}.Pack("key")
	headers.Set(osprofiler.HeaderTraceInfo, info)
	headers.Set(osprofiler.HeaderTraceHMAC, mac)
	return prop, prop.Extract(context.Background(), headers), headers
}

func inject(b *testing.B) {
	prop, ctx, headers := signedContext()
	for b.Loop() {
		prop.Inject(ctx, headers)
	}
}

func extract(b *testing.B) {
	prop, ctx, headers := signedContext()
	for b.Loop() {
		if !bridge.Trusted(prop.Extract(ctx, headers)) {
			b.Fatal("the headers are not accepted")
		}
	}
}
