package elasticsearch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sizeOf returns how large a benchmark is.
func sizeOf(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

// scrolled reads all documents of a trace by a scroll, as Python's driver does, and
// decodes the answers.
func (b bare) scrolled(index, baseID string) (documents int) {
	type page struct {
		ID   string `json:"_scroll_id"`
		Hits struct {
			Hits []struct {
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	answer := b.do(http.MethodPost, "/"+index+"/_search?scroll=2m&size=10000", fmt.Sprintf(`{"query": {"match": {"base_id": %q}}}`, baseID))
	for {
		var p page
		if err := json.Unmarshal([]byte(answer), &p); err != nil {
			b.t.Fatal(err)
		}
		if documents += len(p.Hits.Hits); len(p.Hits.Hits) == 0 {
			b.do(http.MethodDelete, "/_search/scroll", fmt.Sprintf(`{"scroll_id": [%q]}`, p.ID))
			return documents
		}
		answer = b.do(http.MethodPost, "/_search/scroll", fmt.Sprintf(`{"scroll": "2m", "scroll_id": %q}`, p.ID))
	}
}

// BenchmarkRead reads a large trace, and makes the requests of Python's driver with
// a bare client. The two take turns. The ratio is the ratio of their speeds.
func BenchmarkRead(b *testing.B) {
	size := sizeOf("OSP_BENCH_NOTIFICATIONS", 5_000)
	s, index, raw := benchmarked(b)
	batch := trace(size)
	for i := range batch {
		batch[i].Info = `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`
	}
	write(b, s, batch)
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if got := len(read(b, s, batch[0].BaseID)); got != size {
			b.Fatal(got)
		}
		ours += time.Since(began)
		began = time.Now()
		if got := raw.scrolled(index, batch[0].BaseID); got != size {
			b.Fatal(got)
		}
		theirs += time.Since(began)
	}
	b.ReportMetric(float64(b.N*size)/ours.Seconds(), "notifications/s")
	b.ReportMetric(float64(theirs)/float64(ours), "ours:bare")
	b.ReportMetric(0, "ns/op")
}

func benchmarked(b *testing.B) (s *store.Store, index string, raw bare) {
	b.Helper()
	url := testenv.Elasticsearch(b)
	raw = newBare(b, url)
	index = "osp-test-" + osprofiler.NewID()
	b.Cleanup(func() { raw.do(http.MethodDelete, "/"+index+"?ignore_unavailable=true", "") })
	return elasticsearch.New(raw.client, elasticsearch.WithIndexName(index), elasticsearch.WithRefresh(elasticsearch.RefreshNow)), index, raw
}

// BenchmarkList lists the newest hundred of many traces, and all of them.
func BenchmarkList(b *testing.B) {
	traces := sizeOf("OSP_BENCH_TRACES", 5_000)
	s, _, _ := benchmarked(b)
	writeTraces(b, s, traces)
	for _, limit := range []int{100, 0} {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := count(b, s, store.Query{Limit: limit}); got != limit && got != traces {
					b.Fatal(got)
				}
			}
		})
	}
}
