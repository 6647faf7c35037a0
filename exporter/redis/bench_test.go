package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

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

// BenchmarkWrite is beside the client library alone with the same bytes.
func BenchmarkWrite(b *testing.B) {
	const size, traces = 1024, 16
	var batch []osprofiler.Notification
	for range traces {
		batch = append(batch, sample(osprofiler.NewID(), size/traces)...)
	}
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "notifications/s")
	}
	b.Run("ours", func(b *testing.B) {
		s := open(b, testenv.RedisDB(b))
		b.ReportAllocs()
		for b.Loop() {
			write(b, s, batch...)
		}
		report(b)
	})
	b.Run("bare pipeline", func(b *testing.B) {
		client := bare(b, testenv.RedisDB(b))
		values := map[string][]any{}
		for _, n := range batch {
			values[n.BaseID] = append(values[n.BaseID], n.JSON())
		}
		b.ReportAllocs()
		for b.Loop() {
			_, err := client.Pipelined(b.Context(), func(p goredis.Pipeliner) error {
				for id, v := range values {
					p.LPush(b.Context(), "osprofiler_opt:"+id, v...)
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		report(b)
	})
}

// BenchmarkTrace reads a trace of 20,000, beside the bare fetch of its bytes.
func BenchmarkTrace(b *testing.B) {
	const size = 20_000
	url, id := testenv.RedisDB(b), osprofiler.NewID()
	s, client := open(b, url), bare(b, url)
	write(b, s, sample(id, size)...)
	b.Run("ours", func(b *testing.B) {
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
	})
	b.Run("bare LRANGE", func(b *testing.B) {
		for b.Loop() {
			if got := client.LRange(b.Context(), "osprofiler_opt:"+id, 0, -1).Val(); len(got) != size {
				b.Fatal(len(got))
			}
		}
	})
}

// BenchmarkList lists the newest of many traces, beside the bare fetch of the
// same bytes.
func BenchmarkList(b *testing.B) {
	const traces, size = 10_000, 10
	url := testenv.RedisDB(b)
	s, client := open(b, url), bare(b, url)
	for range traces / 100 {
		var batch []osprofiler.Notification
		for range 100 {
			batch = append(batch, sample(osprofiler.NewID(), size)...)
		}
		write(b, s, batch...)
	}
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, _ := collect(b, s.Traces(b.Context(), store.Query{Limit: 100})); len(got) != 100 {
				b.Fatal(len(got))
			}
		}
	})
	b.Run("bare SCAN and LRANGE", func(b *testing.B) {
		for b.Loop() {
			count := 0
			for cursor, again := uint64(0), true; again; again = cursor != 0 {
				keys, next, err := client.Scan(b.Context(), cursor, "osprofiler_opt:*", 1000).Result()
				if err != nil {
					b.Fatal(err)
				}
				cmds, err := client.Pipelined(b.Context(), func(p goredis.Pipeliner) error {
					for _, key := range keys {
						p.LRange(b.Context(), key, 0, -1)
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				for _, cmd := range cmds {
					count += len(cmd.(*goredis.StringSliceCmd).Val())
				}
				cursor = next
			}
			if count != traces*size {
				b.Fatal(count)
			}
		}
	})
}
