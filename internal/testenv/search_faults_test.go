package testenv

import (
	"net/http"
	"strings"
	"testing"
)

// wantSearch sends a request, and checks its status and a part of its answer.
func wantSearch(t *testing.T, url, method, path, body string, status int, part string) {
	t.Helper()
	if got, answer := SearchRequest(t, url, method, path, body); got != status || !strings.Contains(answer, part) {
		t.Errorf("%s %s: %d: %.500s; want %d and %q", method, path, got, answer, status, part)
	}
}

const searchDocument = `{"a": 1}`

func indexOf(url string) string {
	_, index, _ := strings.Cut(url, "index_name=")
	index, _, _ = strings.Cut(index, "&")
	return index
}

func TestSearchBlocks(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(testing.TB) string{"Elasticsearch7": Elasticsearch7, "OpenSearch3": OpenSearch3} {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			index := indexOf(url)
			path := "/" + index + "/_doc"
			wantSearch(t, url, http.MethodPost, path, searchDocument, 201, "created")
			end := FloodStage(t, url, index)
			wantSearch(t, url, http.MethodPost, path, searchDocument, 429, "cluster_block_exception")
			end()
			end = ReadOnly(t, url, index)
			wantSearch(t, url, http.MethodPost, path, searchDocument, 403, "cluster_block_exception")
			end()
			wantSearch(t, url, http.MethodPost, path, searchDocument, 201, "created")
		})
	}
}

// A server keeps its data after SIGKILL. A tripped breaker refuses writes until end is
// called.
func TestSearchServerOfOneTest(t *testing.T) {
	t.Parallel()
	s := StartElasticsearch7(t, "http.max_content_length=1kb")
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/1", searchDocument, 201, "created")
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/2", `{"a": "`+strings.Repeat("x", 2000)+`"}`, 413, "")
	s.Kill()
	s.Restart()
	wantSearch(t, s.Search(), http.MethodGet, "/i/_doc/1", "", 200, `"a": 1`)
	end := TripBreaker(t, s.Search())
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/3", searchDocument, 429, "circuit_breaking_exception")
	end()
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/3", searchDocument, 201, "created")
}

func TestSearchCluster(t *testing.T) {
	t.Parallel()
	c := StartElasticsearch7Cluster(t)
	c.CreateIndex(t, "i")
	wantSearch(t, c.Data.Search(), http.MethodPut, "/i/_doc/1", searchDocument, 201, `"successful":2`)
	c.Master.Kill()
	wantSearch(t, c.Data.Search(), http.MethodPut, "/i/_doc/2?timeout=1s", searchDocument, 503, "")
	c.Master.Restart()
	wantSearch(t, c.Data.Search(), http.MethodPut, "/i/_doc/2", searchDocument, 201, "created")
	c.AwaitCopies(t)
	c.Data.Kill()
	wantSearch(t, c.URL, http.MethodPut, "/i/_doc/3", searchDocument, 201, "created")
}
