package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

// batch returns notifications that resemble those of database calls and begin
// at the time from.
func batch(baseID string, from time.Time, count int) []osprofiler.Notification {
	all := make([]osprofiler.Notification, count)
	for i := range all {
		all[i] = osprofiler.Notification{
			Name: "db-start", BaseID: baseID, TraceID: osprofiler.NewID(), ParentID: baseID,
			Timestamp: osprofiler.FormatTime(from.Add(time.Duration(i) * time.Microsecond)),
			Info:      `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`,
			Project:   "nova", Service: "api",
		}
	}
	return all
}

var day = time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)

func BenchmarkWrite(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, size := range []int{2, 1024} {
			b.Run(fmt.Sprintf("sync=%v/batch=%d", sync, size), func(b *testing.B) {
				s, _ := openNew(b, sqlite.WithSync(sync))
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Write(b.Context(), batch(osprofiler.NewID(), day, size)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "notifications/s")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const traces, size = 200, 500
	s, _ := openNew(b, sqlite.WithSync(false))
	var id string
	for i := range traces {
		id = osprofiler.NewID()
		all := batch(id, day.Add(time.Duration(i)*time.Second), size)
		all[size-1].Info = `{"etype": "ValueError", "host": "h"}`
		if err := s.Write(b.Context(), all); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("one trace of 500", func(b *testing.B) {
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
		b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "notifications/s")
	})
	for _, limit := range []int{20, 0} {
		b.Run(fmt.Sprintf("list/limit=%d", limit), func(b *testing.B) {
			for b.Loop() {
				for _, err := range s.Traces(b.Context(), store.Query{Limit: limit}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("failed/limit=%d", limit), func(b *testing.B) {
			for b.Loop() {
				for _, err := range s.Traces(b.Context(), store.Query{Failed: true, Limit: limit}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
