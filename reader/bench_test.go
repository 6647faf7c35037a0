package reader_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/reader"
)

func parsed(lines []string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, line := range lines {
			if !yield(osprofiler.ParseNotification(line)) {
				return
			}
		}
	}
}

func BenchmarkReport(b *testing.B) {
	for _, count := range []int{100_000, 1_000_000} {
		lines := workload.Lines(count)
		for _, mode := range []struct {
			name string
			opts []reader.ReportOption
		}{{"own", nil}, {"upstream", []reader.ReportOption{reader.WithUpstreamAnswers()}}} {
			b.Run(fmt.Sprintf("%d/%s", count, mode.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r, err := reader.BuildReport(parsed(lines), mode.opts...)
					if err != nil || len(r.Children) != 1 {
						b.Fatal(len(r.Children), err)
					}
				}
				b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "notifications/s")
			})
		}
	}
}
