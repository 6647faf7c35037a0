package mongo_test

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// BenchmarkRead reads one trace of 40,000 notifications, and finds the same
// documents with the bare client library. The two take turns.
func BenchmarkRead(b *testing.B) {
	const count = 40_000
	url := testenv.MongoDB(b)
	s, events := open(b, url), bare(b, url).Collection("profiler")
	baseID := osprofiler.NewID()
	write(b, s, sample(baseID, count)...)
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if got := len(readBack(b, s, baseID)); got != count {
			b.Fatal(got)
		}
		ours += time.Since(began)
		b.StopTimer()
		began = time.Now()
		found, err := events.Find(b.Context(), bson.D{{Key: "base_id", Value: baseID}})
		if err != nil {
			b.Fatal(err)
		}
		got := 0
		for found.Next(b.Context()) {
			got += min(len(found.Current), 1)
		}
		if got != count || found.Err() != nil {
			b.Fatal(got, found.Err())
		}
		theirs += time.Since(began)
		b.StartTimer()
	}
	reportPair(b, "read", ours, theirs)
	b.ReportMetric(float64(count)*float64(b.N)/ours.Seconds(), "notifications/s")
}

func reportPair(b *testing.B, name string, ours, theirs time.Duration) {
	b.Helper()
	b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), name+"-ms/op")
	b.ReportMetric(float64(theirs.Microseconds())/1000/float64(b.N), "bare-ms/op")
	b.ReportMetric(float64(ours)/float64(theirs), name+"/bare")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkList lists the newest 100 of many traces, and all of them. The bare
// client library finds the _ids of all documents, which a listing that reads
// everything needs at least.
func BenchmarkList(b *testing.B) {
	const traces, size = 20_000, 2
	for _, server := range servers {
		url := server.new(b)
		s, events := open(b, url), bare(b, url).Collection("profiler")
		fill(b, events, traces, size)
		for _, q := range []store.Query{{Limit: 100}, {}} {
			b.Run(fmt.Sprintf("%s/limit=%d", server.name, q.Limit), func(b *testing.B) {
				var ours, theirs time.Duration
				for b.Loop() {
					began := time.Now()
					listed := 0
					for _, err := range s.Traces(b.Context(), q) {
						if err != nil {
							b.Fatal(err)
						}
						listed++
					}
					if listed != traces && listed != q.Limit {
						b.Fatal(listed)
					}
					ours += time.Since(began)
					began = time.Now()
					if got := len(documents(b, events)); got != traces*size {
						b.Fatal(got)
					}
					theirs += time.Since(began)
				}
				reportPair(b, "list", ours, theirs)
			})
		}
	}
}

// BenchmarkFeed polls a feed of many documents of which none is new.
func BenchmarkFeed(b *testing.B) {
	for _, server := range servers {
		b.Run(server.name, func(b *testing.B) {
			url := server.new(b)
			s := open(b, url)
			fill(b, bare(b, url).Collection("profiler"), 10_000, 2)
			f := follow(b, s, "")
			if got := len(poll(b, f)); got != 20_000 {
				b.Fatal(got)
			}
			for b.Loop() {
				if got := poll(b, f); len(got) > 0 {
					b.Fatal(len(got))
				}
			}
		})
	}
}
