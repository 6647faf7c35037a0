package elasticsearch_test

import (
	"flag"
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

// onEach runs a test on each server, with the connection string of indices that do
// not exist yet, and the name of the index of notifications. What is written can be
// read at once.
func onEach(t *testing.T, test func(t *testing.T, url, index string)) {
	for name, fresh := range servers {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			test(t, url+"&osp_refresh=true", indexOf(url))
		})
	}
}

// indexOf returns the name of the index of notifications in a connection string.
func indexOf(url string) string {
	_, options, _ := strings.Cut(url, "index_name=")
	index, _, _ := strings.Cut(options, "&")
	return index
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
	t   testing.TB
	url string
}

func newBare(t testing.TB, url string) bare { return bare{t, url} }

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

// write writes a batch. It writes what is missing again as long as that may pass.
func write(t testing.TB, s *store.Store, batch []osprofiler.Notification) error {
	t.Helper()
	for until := time.Now().Add(patience); ; {
		err := s.Write(t.Context(), batch)
		if !store.IsTransient(err) || time.Now().After(until) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// update says that files in testdata are written.
var update = flag.Bool("update", false, "write the files in testdata")
