package store_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/store"
)

// BenchmarkWrite measures the cost of the Store's Write above a driver that does nothing.
func BenchmarkWrite(b *testing.B) {
	s := store.New(&programmed{})
	batch := named("a", "b")
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNotifications measures the cost that the Store adds to each notification.
func BenchmarkNotifications(b *testing.B) {
	batch := make([]string, 1000)
	s := store.New(&programmed{read: yields(named(batch...)...)})
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range s.Notifications(b.Context(), "id", store.KeepDuplicates()) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/notification")
}
