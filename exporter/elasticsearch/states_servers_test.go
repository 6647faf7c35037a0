package elasticsearch_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The errors of a server without memory, and of a server that may have no more shards,
// say so.
func TestStatesOfServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *testenv.Server{"Elasticsearch 8": testenv.StartElasticsearch, "OpenSearch 3": testenv.StartOpenSearch3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, "indexing_pressure.memory.limit=64kb")
			b := newBare(t, server.Search())
			s := open(t, server.Search())
			small := []osprofiler.Notification{note("a-start", `{}`), note("b-stop", `{}`)}
			if err := writeAgain(t, s, small); err != nil {
				t.Fatal(err)
			}
			sized := func(size int) osprofiler.Notification {
				return note("a-start", `{"text": "`+strings.Repeat("x", size)+`"}`)
			}
			if err := writeAgain(t, s, []osprofiler.Notification{sized(50_000), sized(50_000), sized(50_000)}); err != nil {
				t.Error(err)
			}
			err := writeAgain(t, s, []osprofiler.Notification{sized(1000), sized(100_000), sized(1000)})
			var e *store.WriteError
			if !errors.As(err, &e) || !slices.Equal(e.Refused, []int{1}) || !slices.Equal(e.Missing, []int{1}) ||
				!strings.Contains(err.Error(), "does not take so large a document; indexing_pressure.memory.limit of the server should be larger: 429 ") {
				t.Errorf("%v", err)
			}

			set := func(key, value string) {
				b.do(http.MethodPut, "/_cluster/settings", `{"persistent": {"`+key+`": `+value+`}}`)
			}
			set("network.breaker.inflight_requests.limit", `"10b"`)
			checkWriteError(t, s.Write(t.Context(), []osprofiler.Notification{note("a-start", `{}`), note("b-stop", `{}`)}), "circuit_breaking_exception", true)
			b.try(http.MethodPut, "/_cluster/settings", `{"persistent": {"network.breaker.inflight_requests.limit": null}}`)

			set("cluster.max_shards_per_node", "1")
			other := open(t, server.Search()+"?index_name=another")
			checkWriteError(t, other.Write(t.Context(), small), "validation_exception", false)
		})
	}
}

// If neither the user nor the server may create the index, the error says that the index
// is missing.
func TestNoIndex(t *testing.T) {
	t.Parallel()
	server := testenv.StartElasticsearch(t, "action.auto_create_index=false")
	url := server.Search() + "?index_name=absent"
	client := withoutRight{newBare(t, url).client}
	err := newStoreOf(client, "absent").Write(t.Context(), []osprofiler.Notification{note("a-start", `{}`), note("b-stop", `{}`)})
	checkWriteError(t, err, "404 index_not_found_exception: no such index [absent]", false)
}

// withoutRight forbids to create an index.
type withoutRight struct{ elasticsearch.Client }

func (w withoutRight) Perform(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPut {
		body := `{"error": {"type": "security_exception", "reason": "action [indices:admin/create] is unauthorized"}, "status": 403}`
		return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
	}
	return w.Client.Perform(req)
}
