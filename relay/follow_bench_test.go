package relay_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/relay"

	_ "github.com/osprofiler-otel/osprofiler/exporter/otlp"
)

// discard is an exporter that counts spans.
type discard struct{ spans int }

func (d *discard) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	d.spans += len(spans)
	return nil
}

func (d *discard) Shutdown(context.Context) error { return nil }

// cpuTime returns the processor time of this process.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkFollowFile follows a file of 200,000 notifications into an exporter that discards
// its spans, and into an OTLP server that discards its requests.
func BenchmarkFollowFile(b *testing.B) {
	b.Run("discard", func(b *testing.B) { followFile(b, func() sdktrace.SpanExporter { return &discard{} }) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the benchmark counts the spans that were sent
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer server.Close()
	b.Run("OTLP", func(b *testing.B) {
		followFile(b, func() sdktrace.SpanExporter {
			e, err := exporter.Open(b.Context(), "otlp+"+server.URL)
			if err != nil {
				b.Fatal(err)
			}
			return e
		})
	})
}

func followFile(b *testing.B, open func() sdktrace.SpanExporter) {
	b.Helper()
	const traces, each = 2_000, 50
	from := openStore(b, "file://"+filepath.Join(b.TempDir(), "from.jsonl"))
	var all []osprofiler.Notification
	for trace := range traces {
		all = append(all, operations(trace, each)...)
	}
	write(b, from, all...)
	for b.Loop() {
		target := relay.ToExporter(open())
		began := cpuTime(b)
		ctx, cancel := context.WithCancel(b.Context())
		f := relay.NewFollower([]relay.Source{relay.FromFeed(from, "", nil)}, []relay.Target{target})
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		for f.Stats().Targets[0].Paired < traces*each {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(all))/(cpuTime(b)-began).Seconds(), "notifications/cpu-s")
		if err := target.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
