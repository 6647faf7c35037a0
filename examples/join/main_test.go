package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

const key = "example-key"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One signed and four unsigned requests leave one trace in Redis and five in the OTLP
// back end.
func TestSignedRequestsOnlyAreInTheStore(t *testing.T) {
	redis := testenv.RedisDB(t)
	collector := testenv.StartCollector(t)
	t.Setenv("OSPROFILER_CONNECTION_STRING", redis)
	t.Setenv("OSPROFILER_HMAC_KEYS", key)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+collector.Address)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop")
	t.Setenv("OTEL_SERVICE_NAME", "visits")

	baseID := osprofiler.NewID()
	whileServing(t, func(url string) {
		request(t, url, signed(baseID))
		for range 3 {
			request(t, url, nil)
		}
		request(t, url, http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}})
	})

	if got := stored(t, redis); len(got) != 1 || got[0] != baseID {
		t.Errorf("Redis has the traces %q; want only the signed one, %s", got, baseID)
	}
	traces := collector.Traces()
	if len(traces) != 5 {
		t.Errorf("the OTLP back end has %d traces, want 5", len(traces))
	}
	for id, spans := range traces {
		if len(spans) != 2 {
			t.Errorf("trace %x has %d spans, want the request and its statement", id, len(spans))
		}
	}
	checkReport(t, redis, baseID)
}

// whileServing runs the service, and returns when the service has exported its spans.
func whileServing(t *testing.T, use func(url string)) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener) }()
	use("http://" + listener.Addr().String())
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func signed(baseID string) http.Header {
	info, mac := osprofiler.TraceInfo{BaseID: baseID, ParentID: baseID}.Pack(key)
	header := http.Header{}
	header.Set(osprofiler.HeaderTraceInfo, info)
	header.Set(osprofiler.HeaderTraceHMAC, mac)
	return header
}

func request(t *testing.T, url string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.HasPrefix(string(body), "hello, visitor ") {
		t.Fatalf("the service answered %q, %v", body, err)
	}
}

func stored(t *testing.T, connectionString string) (baseIDs []string) {
	t.Helper()
	r, err := reader.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for trace, err := range r.Traces(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		baseIDs = append(baseIDs, trace.BaseID)
	}
	return baseIDs
}

// checkReport tests that the environment names project and service, and that the
// statement is below the request.
func checkReport(t *testing.T, connectionString, baseID string) {
	t.Helper()
	r, err := reader.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Report(t.Context(), baseID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for depth, node := range report.Nodes() {
		got = append(got, strings.Repeat(">", depth)+node.Project+"/"+node.Service+"/"+node.Name)
	}
	if want := "shop/visits/wsgi >shop/visits/db"; strings.Join(got, " ") != want {
		t.Errorf("the report has %q, want %q", got, want)
	}
}
