package live_test

import (
	"context"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

// BenchmarkOnStartOnEnd measures what a service pays for one span with four
// attributes in the processor alone. It compares our processor, which takes a
// start and a stop, with the SDK's, which takes the finished span, over the
// same stores. The queue is never full, except in "blocked", where the store
// hangs.
func BenchmarkOnStartOnEnd(b *testing.B) {
	for name, processor := range map[string]func(*store.Store) sdktrace.SpanProcessor{
		"live": func(s *store.Store) sdktrace.SpanProcessor { return live.New(s) },
		"sdk-batch": func(s *store.Store) sdktrace.SpanProcessor {
			return sdktrace.NewBatchSpanProcessor(exporter.New(s))
		},
	} {
		b.Run("discard/"+name, func(b *testing.B) { benchmarkProcessor(b, processor(store.New(discard{})), 1024) })
		b.Run("file/"+name, func(b *testing.B) {
			s, err := file.Open("file://" + filepath.Join(b.TempDir(), "bench.jsonl"))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			benchmarkProcessor(b, processor(s), 1024)
		})
		b.Run("blocked/"+name, func(b *testing.B) {
			blocked := blockedStore{release: make(chan struct{})}
			p := processor(store.New(blocked))
			defer p.Shutdown(b.Context())
			defer close(blocked.release)
			benchmarkProcessor(b, p, 0)
		})
	}
}

// benchmarkProcessor measures p. After every flushAfter spans it empties the
// queue, which is not measured.
func benchmarkProcessor(b *testing.B, p sdktrace.SpanProcessor, flushAfter int) {
	started, ended := benchmarkSpans()
	ctx := context.Background()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if flushAfter > 0 && i%flushAfter == 0 {
			b.StopTimer()
			if err := p.ForceFlush(ctx); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		p.OnStart(ctx, started)
		p.OnEnd(ended)
	}
	b.StopTimer()
	if flushAfter > 0 {
		if err := p.Shutdown(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkSpans returns one span of the SDK's, once running and once ended.
func benchmarkSpans() (sdktrace.ReadWriteSpan, sdktrace.ReadOnlySpan) {
	taken := &taking{}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(taken))
	tracer := provider.Tracer("example.org/instrumentation")
	_, span := tracer.Start(context.Background(), "GET /v2.1/servers", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", "GET"), attribute.String("url.path", "/v2.1/servers"),
		attribute.String("url.scheme", "http"), attribute.Int("server.port", 8774)))
	span.End()
	return taken.started, taken.ended
}

// taking is an exporter that keeps the last span that it was given.
type taking struct {
	started sdktrace.ReadWriteSpan
	ended   sdktrace.ReadOnlySpan
}

func (t *taking) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) { t.started = s }
func (t *taking) OnEnd(s sdktrace.ReadOnlySpan)                       { t.ended = s }
func (*taking) ForceFlush(context.Context) error                      { return nil }
func (*taking) Shutdown(context.Context) error                        { return nil }

// discard is a store whose writes take no time.
type discard struct{}

func (discard) Name() string               { return "the store that discards" }
func (discard) Ping(context.Context) error { return nil }
func (discard) Close() error               { return nil }

func (discard) Write(context.Context, []osprofiler.Notification) error { return nil }

// blockedStore is a store that hangs until it is released.
type blockedStore struct {
	discard
	release chan struct{}
}

func (s blockedStore) Write(ctx context.Context, _ []osprofiler.Notification) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.release:
		return nil
	}
}
