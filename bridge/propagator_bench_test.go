package bridge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge"
)

func benchmarkExtract(b *testing.B, headers map[string]string) {
	b.Helper()
	prop := bridge.NewPropagator(bridge.NewKeys("k"))
	h := http.Header{}
	for k, v := range headers {
		h.Set(k, v)
	}
	carrier := propagation.TextMapCarrier(propagation.HeaderCarrier(h))
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		prop.Extract(ctx, carrier)
	}
}

func BenchmarkExtract(b *testing.B) {
	hostile := signedBy("k", theInfo)
	hostile["X-Trace-Info"] = strings.Repeat("A", 1<<20)
	for _, c := range []struct {
		name    string
		headers map[string]string
	}{
		{"signed", signedBy("k", theInfo)},
		{"signed with another key", signedBy("x", theInfo)},
		{"unsigned", nil},
		{"a mebibyte", hostile},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkExtract(b, c.headers) })
	}
}

func BenchmarkInject(b *testing.B) {
	prop := bridge.NewPropagator(bridge.NewKeys("k"))
	signed := prop.Extract(context.Background(), propagation.MapCarrier(signedBy("k", theInfo)))
	span, _ := sdktrace.NewTracerProvider().Tracer("").Start(signed, "")
	for _, c := range []struct {
		name string
		ctx  context.Context
	}{{"signed", span}, {"passed on", signed}, {"unsigned", context.Background()}} {
		b.Run(c.name, func(b *testing.B) {
			carrier := propagation.HeaderCarrier(http.Header{})
			b.ReportAllocs()
			for b.Loop() {
				prop.Inject(c.ctx, carrier)
			}
		})
	}
}
