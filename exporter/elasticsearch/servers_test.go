package elasticsearch_test

import (
	"flag"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := exampleServer().Find(); err != nil && !testenv.Required() {
		_ = flag.Set("test.run", "^Test") // examples cannot be skipped
	}
	goleak.VerifyTestMain(m)
}

// exampleServer is the server of the examples.
func exampleServer() *testenv.Resource {
	i := slices.IndexFunc(testenv.Resources, func(r *testenv.Resource) bool { return r.Variable == testenv.ElasticsearchVariable })
	return testenv.Resources[i]
}

// servers return connection strings with indices that do not exist yet.
var servers = map[string]func(testing.TB) string{
	"elasticsearch7": testenv.Elasticsearch7,
	"elasticsearch8": testenv.Elasticsearch,
	"elasticsearch9": testenv.Elasticsearch9,
	"opensearch2":    testenv.OpenSearch,
	"opensearch3":    testenv.OpenSearch3,
}

// onEach runs a test on each server, with its connection string: on several servers at
// the same time, because a test mostly waits for its server.
func onEach(t *testing.T, test func(t *testing.T, url string)) { on(t, servers, test) }

// onPlain is onEach for the servers without TLS. In plain text a proxy sees requests.
func onPlain(t *testing.T, test func(t *testing.T, url string)) {
	plain := maps.Clone(servers)
	delete(plain, "opensearch2")
	on(t, plain, test)
}

func on(t *testing.T, servers map[string]func(testing.TB) string, test func(t *testing.T, url string)) {
	for name, fresh := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, serverOf(fresh(t)))
		})
	}
}

// onEachInTurn is onEach for a test that changes or measures the process.
func onEachInTurn(t *testing.T, test func(t *testing.T, url string)) {
	for name, fresh := range servers {
		t.Run(name, func(t *testing.T) { test(t, serverOf(fresh(t))) })
	}
}

// serverOf returns a connection string without the names of indices.
func serverOf(url string) string {
	url, _, _ = strings.Cut(url, "index_name=")
	return strings.TrimRight(url, "?&")
}

// place returns the connection string of indices that do not exist yet, with more
// options. Written documents can be read at once unless an option says otherwise. The
// indices are deleted when the test ends.
func place(t testing.TB, url string, options ...string) string {
	t.Helper()
	place, _ := newPlace(t, url, options...)
	return place
}

// newPlace is place, and returns the name of the index of notifications, too.
func newPlace(t testing.TB, url string, options ...string) (connectionString, index string) {
	t.Helper()
	index = "osp-test-" + osprofiler.NewID()
	options = append(options, "index_name="+index, "osp_error_index_name="+index+"-error")
	if !strings.Contains(strings.Join(options, ""), "osp_refresh=") {
		options = append(options, "osp_refresh=true")
	}
	b := newBare(t, url)
	t.Cleanup(func() {
		b.do(http.MethodDelete, "/"+index+"?ignore_unavailable=true", "")
		b.do(http.MethodDelete, "/"+index+"-error?ignore_unavailable=true", "")
	})
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + strings.Join(options, "&"), index
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, connectionString string, opts ...elasticsearch.Option) *store.Store {
	t.Helper()
	s, err := elasticsearch.Open(connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A bare sends requests past the driver to the server of a connection string.
type bare struct {
	t      testing.TB
	url    string
	client elasticsearch.Client
}

func newBare(t testing.TB, url string) bare {
	t.Helper()
	client, ok := driver.As[interface{ Client() elasticsearch.Client }](open(t, url).Driver())
	if !ok {
		t.Fatal("no client")
	}
	return bare{t, url, client.Client()}
}

// try sends a request and returns the answer, whatever it is.
func (b bare) try(method, path, body string) (status int, answer string) {
	b.t.Helper()
	return testenv.SearchRequest(b.t, b.url, method, path, body)
}

// do sends a request that must succeed. The servers of the tests have little memory,
// and refuse requests until it is free again.
func (b bare) do(method, path, body string) string {
	b.t.Helper()
	status, answer := b.try(method, path, body)
	for until := time.Now().Add(patience); status == http.StatusTooManyRequests && time.Now().Before(until); {
		time.Sleep(100 * time.Millisecond)
		status, answer = b.try(method, path, body)
	}
	if status/100 != 2 {
		b.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

// patience is how long a server may refuse requests for lack of memory.
const patience = 30 * time.Second

// writeAgain writes a batch. It repeats the missing notifications as long as the failure
// may pass.
func writeAgain(t testing.TB, s *store.Store, batch []osprofiler.Notification) error {
	t.Helper()
	for until := time.Now().Add(patience); ; {
		err := s.Write(t.Context(), batch)
		if !store.IsTransient(err) || time.Now().After(until) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// update says whether files in testdata are rewritten.
var update = flag.Bool("update", false, "write the files in testdata")
