package bridge_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// seen is the response of a service: the values that its handler sees, and the headers that it
// would send.
type seen struct {
	Traced   bool              `json:"traced"`
	BaseID   any               `json:"base_id"` // the Python library accepts numbers unchanged
	ParentID any               `json:"parent_id"`
	ID       string            `json:"id"`
	Sends    map[string]string `json:"sends"`
	Next     json.RawMessage   `json:"next"`
}

func newFileStore(t testing.TB) (_ *store.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "traces.jsonl")
	s, err := file.Open("file://" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, path
}

// providerOf returns the TracerProvider of a service that records on demand.
func providerOf(t testing.TB, s *store.Store, service string, opts ...sdktrace.TracerProviderOption) *sdktrace.TracerProvider {
	t.Helper()
	exp := exporter.New(s, exporter.WithProject("go"), exporter.WithService(service), exporter.WithHost("go-host"))
	opts = append([]sdktrace.TracerProviderOption{
		sdktrace.WithSampler(bridge.NewSampler(nil)),
		sdktrace.WithBatcher(exp, sdktrace.WithBlocking()),
	}, opts...)
	provider := sdktrace.NewTracerProvider(opts...)
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider
}

func flush(t testing.TB, provider *sdktrace.TracerProvider) {
	t.Helper()
	if err := provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// answer is a handler that responds like the Python service's.
func answer(prop propagation.TextMapPropagator) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out := propagation.MapCarrier{}
		prop.Inject(r.Context(), out)
		_ = json.NewEncoder(w).Encode(seen{Traced: bridge.Trusted(r.Context()), Sends: out})
	}
}

// get sends a request with the headers and returns the response of the service.
func get(t testing.TB, client *http.Client, target string, headers map[string]string) (s seen) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err, string(body))
	}
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatal(err, string(body))
	}
	return s
}

// newServer starts a server that is closed when the test ends.
func newServer(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// pythonService starts the Python library's service, which writes to a file of JSON
// lines or a SQLAlchemy connection string, and returns its URL.
func pythonService(t testing.TB, service, notifications string) string {
	t.Helper()
	cmd := exec.Command(testenv.Python(t), "testdata/wsgi_service.py", service, notifications)
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore") // Elasticsearch 7 warns about mapping types
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("the Python service: %v\n%s", err, &stderr)
		}
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal("the Python service did not start: ", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// at returns the URL of a Python service's handler with these options.
func at(service, path string, options ...string) string {
	query := url.Values{}
	for i := 0; i < len(options); i += 2 {
		query.Set(options[i], options[i+1])
	}
	return service + path + "?" + query.Encode()
}

// stored reads a trace in the order of the store. It returns nothing if there is no trace.
func stored(t testing.TB, s *store.Store, baseID string) (all []osprofiler.Notification) {
	t.Helper()
	for n, err := range s.Notifications(t.Context(), baseID) {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func traces(t testing.TB, s *store.Store) (ids []string) {
	t.Helper()
	for trace, err := range s.Traces(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, trace.BaseID)
	}
	return ids
}
