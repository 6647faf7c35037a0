package otlpreceiver_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	_ "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// benchSpan is a span like those of the middleware of OpenStack.
func benchSpan(i int) string {
	attribute := func(key, value string) string {
		return fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, key, value)
	}
	return fmt.Sprintf(`{"traceId":"0123456789abcdef0123456789abcdef","spanId":"%016x","parentSpanId":"00f067aa0ba902b7","flags":257,`+
		`"name":"HTTP GET /v2/images","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000","attributes":[%s,%s,%s,%s,%s]}`, i+1,
		attribute("http.method", "GET"), attribute("http.url", "http://controller:9292/v2/images?limit=20"), attribute("http.route", "/v2/images"),
		attribute("openstack.request_id", "req-7c9e6679-7425-40de-944b-e07fc1f90ae7"), attribute("openstack.project_id", "0f8fad5bd9cb469fa16570867728950e"))
}

// benchRequest has as many spans as the SDKs put into a request.
func benchRequest(b testing.TB) (*coltracepb.ExportTraceServiceRequest, int) {
	const size = 512
	spans := make([]string, size)
	for i := range spans {
		spans[i] = benchSpan(i)
	}
	return requestOf(b, spans...), size
}

func report(b *testing.B, spans int, r *otlpreceiver.Receiver) {
	b.Helper()
	b.ReportMetric(float64(b.N*spans)/b.Elapsed().Seconds(), "spans/s")
	if got := r.Stats(); got.Spans != int64(b.N*spans) || got.Refused != 0 {
		b.Errorf("%+v", got)
	}
}

// BenchmarkGRPC measures spans per second from one client to a target that does nothing.
func BenchmarkGRPC(b *testing.B) {
	r := open(b, freeGRPC)
	(&target{forget: true}).drain(b, r)
	_, client := dial(b, r)
	request, spans := benchRequest(b)
	b.SetBytes(int64(proto.Size(request)))
	for b.Loop() {
		if _, err := client.Export(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
	report(b, spans, r)
}

func BenchmarkHTTP(b *testing.B) {
	request, spans := benchRequest(b)
	parts := make([]string, spans)
	for i := range parts {
		parts[i] = benchSpan(i)
	}
	for name, c := range map[string]struct {
		kind string
		body []byte
	}{
		"protobuf": {"application/x-protobuf", marshalled(b, request)},
		"json":     {"application/json", []byte(jsonRequest(parts...))},
	} {
		b.Run(name, func(b *testing.B) {
			r := open(b, free)
			(&target{forget: true}).drain(b, r)
			b.SetBytes(int64(len(c.body)))
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for b.Loop() {
				response, err := client.Post(urlOf(r), c.kind, bytes.NewReader(c.body))
				if err != nil || response.StatusCode != http.StatusOK {
					b.Fatal(response, err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			report(b, spans, r)
		})
	}
}

// BenchmarkToRedis measures spans per second from four clients, over HTTP, through a running
// relay, into Redis. Each request is a trace of its own.
func BenchmarkToRedis(b *testing.B) {
	s, err := store.Open(b.Context(), testenv.RedisDB(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := open(b, free)
	follow(b, r, relay.ToStore(s))
	request, spans := benchRequest(b)
	body := marshalled(b, request)
	traceID := request.ResourceSpans[0].ScopeSpans[0].Spans[0].TraceId
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer client.CloseIdleConnections()
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range numbers {
				own := bytes.ReplaceAll(body, traceID, fmt.Appendf(nil, "%016d", i))
				response, err := client.Post(urlOf(r), "application/x-protobuf", bytes.NewReader(own))
				if err != nil || response.StatusCode != http.StatusOK {
					b.Error(response, err)
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
	for i := 0; b.Loop(); i++ {
		numbers <- i
	}
	close(numbers)
	wg.Wait()
	report(b, spans, r)
}
