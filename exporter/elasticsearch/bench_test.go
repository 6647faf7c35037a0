package elasticsearch_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// BenchmarkWrite writes a batch, and sends documents of the same sizes, with ids of the
// same kind, by the bare bulk API.
// The two take turns. The ratio is the ratio of their speeds.
func BenchmarkWrite(b *testing.B) {
	const size = 1024
	url, index := newPlace(b, serverOf(testenv.Elasticsearch(b)), "osp_refresh=false")
	s, bulk := open(b, url), newBare(b, url)
	bulk.do(http.MethodPut, "/"+index+"-bare", `{"mappings": `+elasticsearch.EventsMapping+`}`)
	b.Cleanup(func() { bulk.do(http.MethodDelete, "/"+index+"-bare", "") })
	fresh := func() []osprofiler.Notification {
		batch := make([]osprofiler.Notification, size)
		for i := range batch {
			n := note("db-start", `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`)
			parsed, err := osprofiler.ParseNotification(n.JSON()) // so that its JSON is only copied
			if err != nil {
				b.Fatal(err)
			}
			batch[i] = parsed
		}
		return batch
	}
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		batch := fresh()
		var body strings.Builder
		for i := range batch {
			fmt.Fprintf(&body, "{\"create\":{\"_id\":\"%s\"}}\n%s\n", elasticsearch.DocumentID([]byte(batch[i].JSON())), batch[i].JSON())
		}
		b.StartTimer()
		began := time.Now()
		if err := writeAgain(b, s, batch); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(began)
		began = time.Now()
		bulk.do(http.MethodPost, "/"+index+"-bare/_bulk?filter_path=errors", body.String())
		theirs += time.Since(began)
	}
	b.ReportMetric(float64(size*b.N)/ours.Seconds(), "notifications/s")
	b.ReportMetric(float64(theirs)/float64(ours), "ratio")
}
