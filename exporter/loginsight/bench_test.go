package loginsight_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
)

const benchSize = 500

// benchBatch returns a batch whose JSON is only copied.
func benchBatch(b *testing.B) []osprofiler.Notification {
	b.Helper()
	id := osprofiler.NewID()
	batch := notes(id, benchSize)
	for i := range batch {
		batch[i].Info = `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`
		parsed, err := osprofiler.ParseNotification(batch[i].JSON())
		if err != nil {
			b.Fatal(err)
		}
		batch[i] = parsed
	}
	return batch
}

// A bare talks to the server by net/http alone.
type bare struct {
	b       *testing.B
	server  *loginsightserver.Server
	client  *http.Client
	session string
}

func (c *bare) do(method, path, body string) string {
	c.b.Helper()
	req, err := http.NewRequestWithContext(c.b.Context(), method, "https://"+c.server.Host+":9543/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		c.b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.session != "" {
		req.Header.Set("X-LI-Session-Id", c.session)
	}
	res, err := c.client.Do(req)
	if err != nil {
		c.b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.b.Fatalf("%s: %s %.300s, %v", path, res.Status, text, err)
	}
	return string(text)
}

func newBare(b *testing.B, server *loginsightserver.Server) *bare {
	b.Helper()
	transport := &http.Transport{TLSClientConfig: trusting(b, server)}
	b.Cleanup(transport.CloseIdleConnections)
	c := &bare{b: b, server: server, client: &http.Client{Transport: transport}}
	answer := c.do(http.MethodPost, "sessions", fmt.Sprintf(`{"username": %q, "password": %q}`, loginsightserver.Username, loginsightserver.Password))
	_, rest, _ := strings.Cut(answer, `"sessionId":"`)
	c.session, _, _ = strings.Cut(rest, `"`)
	return c
}

// BenchmarkWrite writes a batch, and sends the same events in one request by net/http.
// The two take turns, against the test server. The ratio is the ratio of their speeds.
func BenchmarkWrite(b *testing.B) {
	server := loginsightserver.New(b)
	s, bare := open(b, server.URL()), newBare(b, server)
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		batch := benchBatch(b)
		server.Requests()
		b.StartTimer()
		began := time.Now()
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(began)
		b.StopTimer()
		var body bytes.Buffer
		for i := range batch {
			fmt.Fprintf(&body, `, {"text": "OSProfiler trace", "fields": [{"name": "base_id", "content": %q}, {"name": "trace_id", "content": %q}, {"name": "project", "content": "nova"}, {"name": "service", "content": "api"}, {"name": "name", "content": "db-start"}, {"name": "trace", "content": %q}]}`,
				batch[i].BaseID, batch[i].TraceID, batch[i].JSON())
		}
		text := `{"events": [` + body.String()[2:] + `]}`
		b.StartTimer()
		began = time.Now()
		bare.do(http.MethodPost, "events/ingest/"+loginsight.AgentID, text)
		theirs += time.Since(began)
	}
	b.ReportMetric(float64(benchSize*b.N)/ours.Seconds(), "notifications/s")
	b.ReportMetric(float64(theirs)/float64(ours), "ratio")
}

// BenchmarkRead reads a trace, and asks for the same events by net/http without
// decoding the answer. The two take turns. The ratio is the ratio of their speeds.
func BenchmarkRead(b *testing.B) {
	server := loginsightserver.New(b)
	s, bare := open(b, server.URL()), newBare(b, server)
	const batches = 8
	id := ""
	for range batches {
		batch := benchBatch(b)
		for i := range batch {
			if id == "" {
				id = batch[i].BaseID
			}
			batch[i].BaseID = id
			batch[i].TraceID = osprofiler.NewID()
		}
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	var ours, theirs time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if n := len(read(b, s, id)); n != batches*benchSize {
			b.Fatalf("%d notifications", n)
		}
		ours += time.Since(began)
		began = time.Now()
		bare.do(http.MethodGet, "events/base_id/CONTAINS+"+id+"/timestamp/GT+0?limit=20000&timeout=60000", "")
		theirs += time.Since(began)
	}
	b.ReportMetric(float64(batches*benchSize*b.N)/ours.Seconds(), "notifications/s")
	b.ReportMetric(float64(theirs)/float64(ours), "ratio")
}
