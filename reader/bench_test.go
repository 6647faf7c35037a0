package reader_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
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
			name  string
			build func(iter.Seq2[osprofiler.Notification, error]) (*reader.Report, error)
		}{
			{"own", func(all iter.Seq2[osprofiler.Notification, error]) (*reader.Report, error) {
				return reader.BuildReport(all)
			}},
			{"python", func(all iter.Seq2[osprofiler.Notification, error]) (*reader.Report, error) {
				return python.BuildReport(all)
			}},
		} {
			b.Run(fmt.Sprintf("%d/%s", count, mode.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r, err := mode.build(parsed(lines))
					if err != nil || len(r.Children) != 1 {
						b.Fatal(len(r.Children), err)
					}
				}
				b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "notifications/s")
			})
		}
	}
}
