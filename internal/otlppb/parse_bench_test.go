package otlppb_test

import (
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// BenchmarkParse reads a request of 512 server spans with eight attributes each, with this
// package and with package proto.
func BenchmarkParse(b *testing.B) {
	body := marshalled(b, otlppb.Encode(workload.Traces(0, 64, 8)...))
	b.Run("fast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := otlppb.Parse(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("proto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := proto.Unmarshal(body, &tracepb.TracesData{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
