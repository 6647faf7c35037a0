package jaeger

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/sink"
)

// BenchmarkExport exports the 175 spans of a real trace to a server that reads and drops
// them. It also makes datagrams of these spans.
func BenchmarkExport(b *testing.B) {
	spans := spansOf(b, "../../reader/testdata/openstack/01-keystone-token-issue.jsonl")
	perSecond := func(b *testing.B) {
		b.Helper()
		b.ReportMetric(float64(len(spans)*b.N)/b.Elapsed().Seconds(), "spans/s")
	}
	b.Run("HTTP", func(b *testing.B) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
		}))
		defer server.Close()
		e, err := Open("jaeger+" + server.URL)
		if err != nil {
			b.Fatal(err)
		}
		defer e.Shutdown(b.Context())
		for b.Loop() {
			if err := e.ExportSpans(b.Context(), spans); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
	b.Run("map and cut for UDP", func(b *testing.B) {
		c := newUDP("127.0.0.1:1", &config{maxMessageSize: maxDatagramSize}).cutter()
		for b.Loop() {
			if _, err := c.batches(groupsOf(spans, &sink.Naming{})); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
}
