package bridge_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// chainIDs are base ids in the forms that operators and their tools write.
var chainIDs = []string{
	"bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01",
	"BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A02",
	"bd1f8a526c3e4f5f9c0a3c9c6d2e1a03",
	"{bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a04}",
	"00000000-0000-0000-0000-000000000000",
	"12ab",
	"request 42 of Zoë, 100 %",
}

// chain are the operations of such a trace with their services, each below the previous one.
var chain = []string{"wsgi a", "call a", "wsgi b", "http b", "wsgi c", "http c", "wsgi d"}

// One trace passes through four services in two languages over HTTP: Python, two Go services
// with otelhttp and our propagator, Python.
func TestChain(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		s, path := newFileStore(t)
		testChain(t, s, filepath.Dir(path)+"/first", filepath.Dir(path)+"/last")
	})
	t.Run("SQLite", func(t *testing.T) { // the Python library's own driver also writes to it
		path := filepath.Join(t.TempDir(), "traces.db")
		s, err := sqlite.Open("sqlite:///" + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		testChain(t, s, "sqlite:///"+path, "sqlite:///"+path)
	})
	for scheme, fresh := range map[string]func(testing.TB) string{
		"redis": testenv.RedisDB, "postgresql": testenv.PostgreSQL, "mysql+pymysql": testenv.MariaDB,
	} {
		t.Run(scheme, func(t *testing.T) {
			connectionString := fresh(t)
			s, err := store.Open(t.Context(), connectionString)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			testChain(t, s, connectionString, connectionString)
			pythonShowsChain(t, connectionString, testenv.Python, testenv.NewPython)
		})
	}
	// Python's drivers support only one name of a database or an index.
	t.Run("mongodb", func(t *testing.T) {
		at := testenv.StartMongoDB(t).MongoDB()
		testChain(t, prepared(t, at), at, at)
		pythonShowsChain(t, at, testenv.Python, testenv.NewPython)
	})
	t.Run("rabbit", func(t *testing.T) {
		at := testenv.RabbitMQ(t)
		testChain(t, prepared(t, at), at, at)
		pythonShowsChainOnBus(t, at, testenv.NewPython)
	})
	t.Run("elasticsearch", func(t *testing.T) {
		at := testenv.StartElasticsearch7(t).Search()
		testChain(t, prepared(t, at+"?osp_refresh=true"), at, at)
		pythonShowsChain(t, at, testenv.Python) // the newest client does not work with the driver
	})
}

// prepared opens a store and creates in it everything that a writer needs.
func prepared(t *testing.T, connectionString string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func testChain(t *testing.T, s *store.Store, first, last string) {
	const key = "chain key"
	keys := bridge.NewKeys(key)
	d := at(pythonService(t, "d", last), "/d", "keys", key)
	var headers caught
	c := otelService(t, s, "c", keys, d, headers.catch)
	b := otelService(t, s, "b", keys, c, nil)
	a := pythonService(t, "a", first)
	for _, base := range chainIDs {
		answer := get(t, http.DefaultClient, at(a, "/a", "keys", key, "next", b), signedBy(key, osprofiler.TraceInfo{BaseID: base, ParentID: base}))
		if !answer.Traced {
			t.Fatal("the first service refuses", base)
		}
	}
	forwardLines(t, s, first, last)
	for i, base := range chainIDs {
		awaitStored(t, s, base, 2*len(chain))
		checkBothHeaders(t, headers.all()[i], base, key)
		checkChain(t, s, base)
	}
	if got := traces(t, s); len(got) != len(chainIDs) {
		t.Errorf("there are %d traces: %q", len(got), got)
	}
}

// awaitStored waits until a trace has that many notifications. A search server shows the
// documents of Python's driver after a second.
func awaitStored(t *testing.T, s *store.Store, base string, count int) {
	t.Helper()
	for until := time.Now().Add(time.Minute); len(stored(t, s, base)) < count && time.Now().Before(until); {
		time.Sleep(50 * time.Millisecond)
	}
}

// otelService is a Go service with OTel's instrumentation. It uses this project only by what
// it registers. Its handler calls the next service.
func otelService(t *testing.T, s *store.Store, name string, keys *bridge.Keys, next string, around func(http.Handler) http.Handler) string {
	t.Helper()
	provider := providerOf(t, s, name)
	options := []otelhttp.Option{
		otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(bridge.NewPropagators(keys)),
	}
	client := &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport, options...)}
	h := otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := relay(r.Context(), client, next, w); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}), "", options...)
	if around != nil {
		h = around(h)
	}
	flushed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if err := provider.ForceFlush(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return newServer(t, flushed).URL
}

func relay(ctx context.Context, client *http.Client, next string, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, next, http.NoBody)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}

// caught records the headers of requests.
type caught struct {
	mu      sync.Mutex
	headers []http.Header
}

func (c *caught) catch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.headers = append(c.headers, r.Header.Clone())
		c.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (c *caught) all() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers
}

// forwardLines stores the notifications that the Python services wrote to files of JSON lines.
func forwardLines(t *testing.T, s *store.Store, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if strings.Contains(path, "://") {
			continue // the Python library's driver has stored it
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var batch []osprofiler.Notification
		for line := range strings.Lines(string(text)) {
			n, err := osprofiler.ParseNotification(line)
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, n)
		}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

// checkBothHeaders checks that X-Trace-Info and traceparent between Go services name the same
// trace and span.
func checkBothHeaders(t *testing.T, h http.Header, base, key string) {
	t.Helper()
	told, _, err := osprofiler.UnpackTraceInfo(h.Get(osprofiler.HeaderTraceInfo), h.Get(osprofiler.HeaderTraceHMAC), []string{key})
	if err != nil || told.BaseID != base {
		t.Errorf("%q: X-Trace-Info says %+v, %v", base, told, err)
	}
	traceID, spanID := trace.TraceID(osprofiler.TraceIDOf(base)), trace.SpanID(osprofiler.SpanIDOf(told.ParentID))
	if want := "00-" + traceID.String() + "-" + spanID.String() + "-01"; h.Get(traceparent) != want {
		t.Errorf("%q: traceparent is %s, want %s", base, h.Get(traceparent), want)
	}
}

// checkChain reads one trace and checks that it is one chain of operations without a warning.
func checkChain(t *testing.T, s *store.Store, base string) {
	t.Helper()
	r := reader.New(s)
	report, err := r.Report(t.Context(), base)
	if err != nil {
		t.Fatalf("%q: %v", base, err)
	}
	if len(report.Warnings) != 0 {
		t.Errorf("%q: %q", base, report.Warnings)
	}
	children, parent := report.Children, base
	for _, w := range chain {
		if len(children) != 1 {
			t.Fatalf("%q: %d operations where %s is expected", base, len(children), w)
		}
		n := children[0]
		if n.Name+" "+n.Service != w || n.ParentID != parent || n.Incomplete != reader.Complete {
			t.Errorf("%q: want %s under %s, got %+v", base, w, parent, n)
		}
		children, parent = n.Children, n.TraceID
	}
	if len(children) != 0 {
		t.Errorf("%q: there is more under the last service", base)
	}
	spans := 0
	for span, err := range r.Spans(t.Context(), base) {
		if err != nil || span.SpanContext().TraceID() != osprofiler.TraceIDOf(base) {
			t.Errorf("%q: %v, %v", base, span, err)
		}
		spans++
	}
	if got := len(stored(t, s, base)); spans != len(chain) || got != 2*len(chain) {
		t.Errorf("%q: %d spans, %d notifications", base, spans, got)
	}
}
