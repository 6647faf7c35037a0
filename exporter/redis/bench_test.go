package redis_test

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sample returns notifications like those of database calls.
func sample(baseID string, count int) []osprofiler.Notification {
	all := make([]osprofiler.Notification, count)
	from := time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)
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

func BenchmarkWrite(b *testing.B) {
	const size, traces = 1024, 16
	var batch []osprofiler.Notification
	for range traces {
		batch = append(batch, sample(osprofiler.NewID(), size/traces)...)
	}
	s := open(b, testenv.RedisDB(b))
	b.ReportAllocs()
	for b.Loop() {
		write(b, s, batch...)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "notifications/s")
}

// BenchmarkTrace reads one large trace.
func BenchmarkTrace(b *testing.B) {
	const size = 20_000
	s, id := open(b, testenv.RedisDB(b)), osprofiler.NewID()
	write(b, s, sample(id, size)...)
	b.ReportAllocs()
	for b.Loop() {
		count := 0
		for _, err := range s.Notifications(b.Context(), id) {
			if count++; err != nil {
				b.Fatal(err)
			}
		}
		if count != size {
			b.Fatal(count)
		}
	}
}

// BenchmarkList lists the newest of many traces.
func BenchmarkList(b *testing.B) {
	const traces, size = 10_000, 10
	s := open(b, testenv.RedisDB(b))
	for range traces / 100 {
		var batch []osprofiler.Notification
		for range 100 {
			batch = append(batch, sample(osprofiler.NewID(), size)...)
		}
		write(b, s, batch...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := collect(b, s.Traces(b.Context(), store.Query{Limit: 100})); len(got) != 100 {
			b.Fatal(len(got))
		}
	}
}
