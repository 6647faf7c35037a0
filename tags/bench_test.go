package tags_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

var benchmarks = []struct {
	name        string
	call        tags.Call
	start, stop osprofiler.Info
}{
	{"HTTPServer", tags.HTTPServer, infoWSGI, onlyHost},
	{"HTTPClient", tags.HTTPClient, infoRequests, `{"requests": {"status_code": 204}, "host": "h"}`},
	{"DB", tags.DB, infoDB, onlyHost},
	{"Function", tags.Function, infoFunction, onlyHost},
}

// BenchmarkAttributes measures the conversion from infos to the attributes of a span.
func BenchmarkAttributes(b *testing.B) {
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			attrs := make([]attribute.KeyValue, 0, 16)
			b.ReportAllocs()
			for b.Loop() {
				call := tags.CallOfInfo("x", bench.start)
				a, _ := tags.StartAttributes(attrs[:0], call, bench.start, tags.Stable)
				_, rest := tags.StopAttributes(a, call, bench.stop, tags.Stable)
				_, _, _ = tags.FailureOfInfo(rest)
			}
		})
	}
}

// BenchmarkInfo measures the conversion from the attributes of a span to infos.
func BenchmarkInfo(b *testing.B) {
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			attrs, _ := tags.StartAttributes(nil, bench.call, bench.start, tags.Stable)
			attrs, _ = tags.StopAttributes(attrs, bench.call, bench.stop, tags.Stable)
			kind := bench.call.SpanKind()
			info := make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				call := tags.CallOfSpan(kind, attrs)
				call.Operation(attrs)
				info = tags.AppendStartInfo(info[:0], call, attrs)
				info = tags.AppendStopInfo(info, call, attrs)
			}
		})
	}
}
