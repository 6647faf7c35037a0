package redis_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sample returns notifications that resemble those of database calls.
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

// BenchmarkWrite writes a batch, and pushes the same JSON with a bare client, in
// turns. The ratio is that of their speeds.
func BenchmarkWrite(b *testing.B) {
	const size, traces = 1024, 16
	url := testenv.RedisDB(b)
	s, client := open(b, url), bare(b, url)
	var batch []osprofiler.Notification
	pushes := map[string][]any{}
	for range traces {
		id := osprofiler.NewID()
		for _, n := range sample(id, size/traces) {
			parsed, err := osprofiler.ParseNotification(n.JSON()) // so that its JSON is only copied
			if err != nil {
				b.Fatal(err)
			}
			batch = append(batch, parsed)
			pushes["osprofiler_opt:"+id] = append(pushes["osprofiler_opt:"+id], n.JSON())
		}
	}
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		write(b, s, batch...)
		ours += time.Since(began)
		began = time.Now()
		pipe := client.Pipeline()
		for key, values := range pushes {
			pipe.LPush(b.Context(), key, values...)
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(began)
		client.FlushDB(b.Context())
	}
	b.ReportMetric(float64(b.N*size)/ours.Seconds(), "notifications/s")
	b.ReportMetric(float64(theirs)/float64(ours), "ours:bare")
	b.ReportMetric(0, "ns/op")
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

// listed fills a database with traces and returns a store and a client.
func listed(b *testing.B, traces, size int) (*store.Store, *goredis.Client) {
	b.Helper()
	url := testenv.RedisDB(b)
	s := open(b, url)
	for range traces / 1000 {
		var batch []osprofiler.Notification
		for range 1000 {
			begin := time.Duration(rand.Int64N(int64(24 * time.Hour)))
			for i, n := range sample(osprofiler.NewID(), size) {
				n.Timestamp = osprofiler.FormatTime(time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC).Add(begin + time.Duration(i)*time.Millisecond))
				batch = append(batch, n)
			}
		}
		write(b, s, batch...)
	}
	return s, bare(b, url)
}

// BenchmarkList lists the newest of many traces. With a bare client it asks for
// the oldest entry of each list, which is the least that any listing needs. It
// does both in turns. The metrics are the milliseconds of each and their ratio.
func BenchmarkList(b *testing.B) {
	for _, c := range []struct{ traces, size int }{{100_000, 1}, {10_000, 32}} {
		b.Run(fmt.Sprintf("traces=%d/entries=%d", c.traces, c.size), func(b *testing.B) {
			s, client := listed(b, c.traces, c.size)
			var ours, theirs time.Duration
			for b.Loop() {
				began := time.Now()
				if got, _ := collect(b, s.Traces(b.Context(), store.Query{Limit: 100})); len(got) != 100 {
					b.Fatal(len(got))
				}
				ours += time.Since(began)
				began = time.Now()
				bareEachList(b, client, func(pipe goredis.Pipeliner, key string) { pipe.LIndex(b.Context(), key, -1) })
				theirs += time.Since(began)
			}
			report := func(name string, d time.Duration) {
				b.ReportMetric(float64(d.Microseconds())/1000/float64(b.N), name)
			}
			report("list-ms/op", ours)
			report("bare-ms/op", theirs)
			b.ReportMetric(float64(ours)/float64(theirs), "list/bare")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// bareEachList goes through all lists with a bare client, and sends one command
// for each list.
func bareEachList(b *testing.B, client *goredis.Client, command func(pipe goredis.Pipeliner, key string)) {
	b.Helper()
	for cursor := uint64(0); ; {
		keys, next, err := client.Scan(b.Context(), cursor, "osprofiler_opt:*", 1000).Result()
		if err != nil {
			b.Fatal(err)
		}
		pipe := client.Pipeline()
		for _, key := range keys {
			command(pipe, key)
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
		if cursor = next; cursor == 0 {
			return
		}
	}
}

// BenchmarkFeed polls a feed of many traces, none of which is new. With a bare
// client it asks for the lengths of all lists. It does both in turns.
func BenchmarkFeed(b *testing.B) {
	s, client := listed(b, 40_000, 1)
	f := feed(b, s, "")
	if got := polled(b, f); len(got) != 40_000 {
		b.Fatal(len(got))
	}
	var ours, theirs, cursors time.Duration
	for b.Loop() {
		began := time.Now()
		if got := polled(b, f); len(got) > 0 {
			b.Fatal(len(got))
		}
		ours += time.Since(began)
		began = time.Now()
		bareEachList(b, client, func(pipe goredis.Pipeliner, key string) { pipe.LLen(b.Context(), key) })
		theirs += time.Since(began)
		began = time.Now()
		if f.Cursor() == "" {
			b.Fatal("there is no cursor")
		}
		cursors += time.Since(began)
	}
	b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "poll-ms/op")
	b.ReportMetric(float64(cursors.Microseconds())/float64(b.N), "cursor-µs/op")
	b.ReportMetric(float64(ours)/float64(theirs), "poll/bare")
	b.ReportMetric(0, "ns/op")
}
