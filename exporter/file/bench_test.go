package file_test

import (
	"fmt"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/store"
)

// batch returns notifications that resemble those of a database call.
func batch(baseID string, count int) []osprofiler.Notification {
	all := make([]osprofiler.Notification, count)
	for i := range all {
		all[i] = osprofiler.Notification{
			Name: "db-start", BaseID: baseID, TraceID: osprofiler.NewID(), ParentID: baseID,
			Timestamp: fmt.Sprintf("2024-05-06T07:08:09.%06d", i),
			Info:      `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`,
			Project:   "nova", Service: "api",
		}
	}
	return all
}

func BenchmarkWrite(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, size := range []int{2, 1024} {
			b.Run(fmt.Sprintf("sync=%v/batch=%d", sync, size), func(b *testing.B) {
				s, _ := openNew(b, "", file.WithSync(sync))
				all := batch(osprofiler.NewID(), size)
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Write(b.Context(), all); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "notifications/s")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const traces, size = 100, 500
	s, _ := openNew(b, "", file.WithSync(false))
	var id string
	for range traces {
		id = osprofiler.NewID()
		if err := s.Write(b.Context(), batch(id, size)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("one of 100 traces", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			count := 0
			for _, err := range s.Notifications(b.Context(), id) {
				if err != nil {
					b.Fatal(err)
				}
				count++
			}
			if count != size {
				b.Fatalf("%d came", count)
			}
		}
		b.ReportMetric(float64(b.N*traces*size)/b.Elapsed().Seconds(), "lines/s")
	})
	b.Run("a feed of all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			count := 0
			feed, err := s.Feed(b.Context(), "")
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range feed.Poll(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				count++
			}
			if err := feed.Close(); err != nil {
				b.Fatal(err)
			}
			if count != traces*size {
				b.Fatalf("%d came", count)
			}
		}
		b.ReportMetric(float64(b.N*traces*size)/b.Elapsed().Seconds(), "lines/s")
	})
	for name, q := range map[string]store.Query{"newest 10 traces": {Limit: 10}, "failed traces": {Failed: true}, "all traces": {}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range s.Traces(b.Context(), q) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*traces*size)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkReadOneTrace reads a file that contains one trace only, as osp trace
// show FILE.jsonl does.
func BenchmarkReadOneTrace(b *testing.B) {
	const size = 40_000
	s, _ := openNew(b, "", file.WithSync(false))
	id := osprofiler.NewID()
	if err := s.Write(b.Context(), batch(id, size)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		count := 0
		for _, err := range s.Notifications(b.Context(), id) {
			if err != nil {
				b.Fatal(err)
			}
			count++
		}
		if count != size {
			b.Fatalf("%d came", count)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "lines/s")
}
