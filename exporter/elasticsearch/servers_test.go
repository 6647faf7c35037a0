package elasticsearch_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The environment variables that name the servers of the tests by connection
// strings.
var serverVariables = map[string]string{
	"elasticsearch7": "OSP_TEST_ELASTICSEARCH7_URL",
	"elasticsearch8": "OSP_TEST_ELASTICSEARCH_URL",
	"elasticsearch9": "OSP_TEST_ELASTICSEARCH9_URL",
	"opensearch2":    "OSP_TEST_OPENSEARCH_URL",
	"opensearch3":    "OSP_TEST_OPENSEARCH3_URL",
}

// onEach runs a test on each server that there is.
func onEach(t *testing.T, test func(t *testing.T, url string)) {
	for name, variable := range serverVariables {
		t.Run(name, func(t *testing.T) {
			url := os.Getenv(variable)
			if url == "" {
				t.Skipf("%s is not set", variable)
			}
			test(t, url)
		})
	}
}

// place returns the connection string of two indices of their own, which do not
// exist yet, with more options. The indices are deleted when the test ends.
func place(t testing.TB, url string, options ...string) string {
	t.Helper()
	place, _ := newPlace(t, url, options...)
	return place
}

func newPlace(t testing.TB, url string, options ...string) (connectionString, index string) {
	t.Helper()
	index = "osp-test-" + osprofiler.NewID()
	options = append(options, "index_name="+index, "osp_error_index_name="+index+"-error")
	if !strings.Contains(strings.Join(options, ""), "osp_refresh=") {
		options = append(options, "osp_refresh=true")
	}
	b := newBare(t, url)
	t.Cleanup(func() {
		b.try(http.MethodDelete, "/"+index+"?ignore_unavailable=true", "")
		b.try(http.MethodDelete, "/"+index+"-error?ignore_unavailable=true", "")
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

// A bare sends requests as they are, with the client of a store.
type bare struct {
	t      testing.TB
	client elasticsearch.Client
}

// newBare returns a bare of a server.
func newBare(t testing.TB, url string) bare {
	t.Helper()
	client, ok := driver.As[interface{ Client() elasticsearch.Client }](open(t, url).Driver())
	if !ok {
		t.Fatal("no client")
	}
	return bare{t, client.Client()}
}

// try sends a request and returns the answer, whatever it is.
func (b bare) try(method, path, body string) (status int, answer string) {
	b.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = bytes.NewReader([]byte(body))
	}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://localhost"+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := b.client.Perform(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// do sends a request that must succeed.
func (b bare) do(method, path, body string) string {
	b.t.Helper()
	status, answer := b.try(method, path, body)
	if status/100 != 2 {
		b.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}
