package bridge_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// BenchmarkProfiler compares three ways to start and end a span with the same name, kind and
// attributes: by the typed call, by Start with an info, and by OTel's API. It measures all
// three in turn, in one run. typed/OTel and info/OTel are the ratios of their times.
func BenchmarkProfiler(b *testing.B) {
	r, err := http.NewRequest(http.MethodGet, "http://nova.example.com:8774/v2.1/servers?limit=100", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider))
	ctx := profiler.Init(context.Background(), "", "")
	const statement = "SELECT * FROM instances WHERE uuid = ?"
	for _, shape := range []struct {
		name  string
		typed func() *bridge.Operation
		as    string
		info  osprofiler.Info
	}{
		{"DB", func() *bridge.Operation { _, o := profiler.StartDB(ctx, statement, "bd1f8a52"); return o },
			"db", bridge.DB(statement, "bd1f8a52")},
		{"RPC", func() *bridge.Operation { _, o := profiler.StartRPC(ctx, "nova.boot", "bd1f8a52", 2); return o },
			"rpc", bridge.Function("nova.boot", "bd1f8a52", 2)},
		{"Function", func() *bridge.Operation {
			_, o := profiler.StartFunction(ctx, "boot", "nova.boot", "bd1f8a52")
			return o
		},
			"boot", bridge.Function("nova.boot", "bd1f8a52")},
		{"HTTPServer", func() *bridge.Operation { _, o := profiler.StartHTTPServer(ctx, r); return o },
			"wsgi", bridge.Request(r)},
		{"HTTPClient", func() *bridge.Operation { _, o := profiler.StartHTTPClient(ctx, r); return o },
			"http", bridge.Requests(r)},
	} {
		b.Run(shape.name, func(b *testing.B) {
			byOTel := sameByOTel(ctx, b, provider, shape.typed())
			byTurns(b, [...]turn{
				{"OTel", byOTel},
				{"typed", func() { shape.typed().Stop("") }},
				{"info", func() { _, o := profiler.Start(ctx, shape.as, shape.info); o.Stop("") }},
			})
		})
	}
}

// sameByOTel returns a function that starts and ends a span like that of the operation by
// OTel's API, with the attributes written by hand in one call.
func sameByOTel(ctx context.Context, b *testing.B, provider trace.TracerProvider, like *bridge.Operation) func() {
	span, ok := like.Span().(sdktrace.ReadOnlySpan)
	if !ok {
		b.Fatal("the operation is not recorded")
	}
	name, kind, a := span.Name(), span.SpanKind(), span.Attributes()
	tracer := provider.Tracer("t")
	start := func(attrs ...attribute.KeyValue) {
		_, span := tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attrs...))
		span.End()
	}
	switch len(a) {
	case 2:
		return func() { start(a[0], a[1]) }
	case 3:
		return func() { start(a[0], a[1], a[2]) }
	case 4:
		return func() { start(a[0], a[1], a[2], a[3]) }
	case 5:
		return func() { start(a[0], a[1], a[2], a[3], a[4]) }
	case 7:
		return func() { start(a[0], a[1], a[2], a[3], a[4], a[5], a[6]) }
	}
	b.Fatalf("write the case of %d attributes", len(a))
	return nil
}

// A turn is one of the functions that byTurns measures.
type turn struct {
	name string
	do   func()
}

// byTurns measures the functions in turn, in short rounds. It reports the median of the times
// of each and its ratio to the first. Other programs on the machine have little effect on the
// median.
func byTurns(b *testing.B, turns [3]turn) {
	const each = 100
	var times [3][]time.Duration
	for b.Loop() {
		for i := range turns {
			began := time.Now()
			for range each {
				turns[i].do()
			}
			times[i] = append(times[i], time.Since(began))
		}
	}
	var medians [3]float64
	for i := range turns {
		slices.Sort(times[i])
		medians[i] = float64(times[i][len(times[i])/2].Nanoseconds()) / each
		b.ReportMetric(medians[i], turns[i].name+"-ns")
		if i > 0 {
			b.ReportMetric(medians[i]/medians[0], turns[i].name+"/OTel")
		}
	}
	b.ReportMetric(0, "ns/op") // the time of a round has no meaning
}
