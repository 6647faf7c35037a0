package sql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/store"
)

// These benchmarks serve profiling. `make bench` compares the same work with
// bare clients.

// trace returns the notifications of workload.Lines, oldest first, with ids
// that no other call returned.
func trace(b *testing.B, count int) []osprofiler.Notification {
	b.Helper()
	own := osprofiler.NewID()
	all := make([]osprofiler.Notification, count)
	for i, line := range workload.Lines(count) {
		n, err := osprofiler.ParseNotification(strings.ReplaceAll(line, `"a0000000-0000-4000`, `"`+own[:18]))
		if err != nil {
			b.Fatal(err)
		}
		all[count-1-i] = n
	}
	return all
}

func write(b *testing.B, s *store.Store, batch []osprofiler.Notification) {
	b.Helper()
	if err := s.Write(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
}

func eachServer(b *testing.B, bench func(b *testing.B, s *store.Store)) {
	for name, place := range servers {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			bench(b, open(b, place(b)))
		})
	}
}

// BenchmarkWrite stores batches of notifications that are new to the table.
func BenchmarkWrite(b *testing.B) {
	const size = 1024
	eachServer(b, func(b *testing.B, s *store.Store) {
		for b.Loop() {
			b.StopTimer()
			batch := trace(b, size)
			b.StartTimer()
			write(b, s, batch)
		}
		b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "notifications/s")
	})
}

// BenchmarkTrace reads one large trace.
func BenchmarkTrace(b *testing.B) {
	const size = 20_000
	eachServer(b, func(b *testing.B, s *store.Store) {
		all := trace(b, size)
		write(b, s, all)
		for b.Loop() {
			count := 0
			for _, err := range s.Notifications(b.Context(), all[0].BaseID) {
				if count++; err != nil {
					b.Fatal(err)
				}
			}
			if count != size {
				b.Fatal(count)
			}
		}
	})
}

// BenchmarkList lists the newest of many traces.
func BenchmarkList(b *testing.B) {
	const traces, limit = 5_000, 100
	eachServer(b, func(b *testing.B, s *store.Store) {
		var batch []osprofiler.Notification
		for i := range traces {
			n := event(osprofiler.NewID(), "x-start")
			n.Timestamp = fmt.Sprintf("2024-05-06T07:%02d:%02d.000000", i/60%60, i%60)
			batch = append(batch, n)
		}
		write(b, s, batch)
		for b.Loop() {
			count := 0
			for _, err := range s.Traces(b.Context(), store.Query{Limit: limit}) {
				if count++; err != nil {
					b.Fatal(err)
				}
			}
			if count != limit {
				b.Fatal(count)
			}
		}
	})
}
