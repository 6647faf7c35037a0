package elasticsearch_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An indexState is a state into which an index of a real server can be brought.
type indexState struct {
	name      string
	says      string // the error says this; empty for no error
	transient bool
	options   string
	enter     func(b bare, index string)
}

func setting(name, value string) func(b bare, index string) {
	return func(b bare, index string) {
		b.do(http.MethodPut, "/"+index, "")
		b.do(http.MethodPut, "/"+index+"/_settings", `{"`+name+`": `+value+`}`)
	}
}

var indexStates = []indexState{
	{name: "read-only", says: "takes no writes because the index or the cluster is blocked: 403 cluster_block_exception", enter: setting("index.blocks.read_only", "true")},
	{name: "write block", says: "takes no writes because the index or the cluster is blocked: 403 cluster_block_exception", enter: setting("index.blocks.write", "true")},
	{name: "flood stage", says: "takes no writes because its disk is full", transient: true, enter: setting("index.blocks.read_only_allow_delete", "true")},
	{name: "closed", says: "400 index_closed_exception", enter: func(b bare, index string) {
		b.do(http.MethodPut, "/"+index, "")
		b.do(http.MethodPost, "/"+index+"/_close", "")
	}},
	{name: "no pipeline", says: "400 illegal_argument_exception: pipeline with id [nosuch] does not exist", enter: setting("index.default_pipeline", `"nosuch"`)},
	{name: "no write index", says: "400 illegal_argument_exception: no write index is defined for alias", enter: func(b bare, index string) {
		for _, behind := range []string{"-1", "-2"} {
			b.do(http.MethodPut, "/"+index+behind, `{"aliases": {"`+index+`": {}}}`)
			b.t.Cleanup(func() { b.try(http.MethodDelete, "/"+index+behind, "") })
		}
	}},
	{name: "no primary shard", says: "503 unavailable_shards_exception", transient: true, options: "&osp_timeout=8", enter: func(b bare, index string) {
		b.do(http.MethodPut, "/"+index+"?wait_for_active_shards=0", `{"settings": {"index.routing.allocation.require._name": "nosuch"}}`)
	}},
	{name: "strict mapping", enter: func(b bare, index string) {
		b.do(http.MethodPut, "/"+index, `{"mappings": {"dynamic": "strict", "properties": {"base_id": {"type": "keyword"}, "info": {"properties": {"host": {"type": "text"}}}}}}`)
	}},
}

// The error for each state of an index is one sentence, and is transient if the state
// passes.
func TestStatesOfIndices(t *testing.T) {
	for _, state := range indexStates {
		t.Run(state.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, url string) {
				url, index := newPlace(t, url)
				url += state.options
				b := newBare(t, url)
				state.enter(b, index)
				t.Cleanup(func() {
					for _, block := range []string{"read_only", "read_only_allow_delete", "write"} {
						b.try(http.MethodPut, "/"+index+"/_settings", `{"index.blocks.`+block+`": false}`)
					}
				})
				err := open(t, url).Write(t.Context(), []osprofiler.Notification{note("a-start", `{"host": "h"}`), note("b-stop", `{"host": "h"}`)})
				checkWriteError(t, err, state.says, state.transient)
			})
		})
	}
}

// checkWriteError reports an error that does not contain the text says, or that is not
// about both notifications.
func checkWriteError(t *testing.T, err error, says string, transient bool) {
	t.Helper()
	if says == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var e *store.WriteError
	if !errors.As(err, &e) || len(e.Missing) != 2 || len(e.Refused) != 0 {
		t.Fatalf("%#v", err)
	}
	if e.Transient != transient || !strings.Contains(err.Error(), says) {
		t.Errorf("transient: %t: %v", e.Transient, err)
	}
}

// The errors of users without rights say so. The right to write is enough for writing.
func TestStatesOfUsers(t *testing.T) {
	const noRight = "does not give the user of the connection string the rights that docs/stores/elasticsearch.md lists: 403 security_exception"
	const noUser = "refuses the user, the password or the API key of the connection string: 401"
	batch := []osprofiler.Notification{note("a-start", `{"host": "h"}`), note("b-stop", `{"host": "h"}`)}
	server := place(t, testenv.StartOpenSearch(t).Search()) // a server of the user has other accounts
	for _, user := range []struct{ name, password, says string }{
		{testenv.User, "wrong-password", noUser},
		{"nosuch", testenv.Password, noUser},
		{"", "", noUser},
		{testenv.NoRole, testenv.Password, noRight},
		{testenv.Reader, testenv.Password, noRight},
		{testenv.Writer, testenv.Password, ""},
	} {
		t.Run(user.name, func(t *testing.T) {
			err := open(t, testenv.AsUser(server, user.name, user.password)).Write(t.Context(), batch)
			checkWriteError(t, err, user.says, false)
			if err != nil && user.password != "" && strings.Contains(err.Error(), user.password) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// The error for a server of another kind, or for a wrong prefix, says so.
func TestForeignServer(t *testing.T) {
	for _, answer := range []struct {
		status     int
		kind, text string
		says       string
	}{
		{200, "text/html", "<html>Welcome</html>", `does not answer as Elasticsearch or OpenSearch does: "<html>Welcome</html>"`},
		{404, "text/html", "<html>Not found</html>", "404 Not Found"},
		{200, "application/json", `{"items": []}`, "does not answer as Elasticsearch or OpenSearch does"},
		{301, "text/html", "moved", "301 Moved Permanently"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", answer.kind)
			w.WriteHeader(answer.status)
			_, _ = w.Write([]byte(answer.text))
		}))
		s := open(t, strings.Replace(server.URL, "http://", "elasticsearch://", 1)+"/prefix")
		err := s.Write(t.Context(), []osprofiler.Notification{note("a-start", `{}`), note("b-stop", `{}`)})
		checkWriteError(t, err, answer.says, false)
		if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), answer.says) {
			t.Errorf("Ping: %v", err)
		}
		server.Close()
	}
}

// The same batch is stored once, also by another process, and when a document is
// twice in it.
func TestWriteTwice(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url, index := newPlace(t, url)
		url += "&filter_error_trace=yes"
		failed := note("b-stop", `{"host": "h", "etype": "ValueError"}`)
		batch := []osprofiler.Notification{note("a-start", `{"host": "h"}`), failed, failed, note("c-stop", `{"n": NaN}`)}
		for range 2 {
			s := open(t, url)
			for range 2 {
				if err := writeAgain(t, s, batch); err != nil {
					t.Fatal(err)
				}
			}
		}
		b := newBare(t, url)
		if count := len(stored(t, b, index)); count != 3 {
			t.Errorf("%d documents", count)
		}
		if records := b.do(http.MethodGet, "/"+index+"-error/_search?filter_path=hits.hits._source", ""); records != `{"hits":{"hits":[{"_source":{"base_id":"`+failed.BaseID+`","timestamp":"`+failed.Timestamp+`"}}]}}` {
			t.Error(records)
		}
	})
}

// OpenSearch forbids new indices while its disks are nearly full, and allows them
// again by itself.
func TestCreateIndexBlockPasses(t *testing.T) {
	refused := `{"error": {"type": "cluster_block_exception", "reason": "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];"}, "status": 403}`
	onEach(t, func(t *testing.T, url string) {
		b := newBare(t, url)
		_, index := newPlace(t, url, "")
		s := through(t, b, index, func(method, path, _, _ string) (int, string) {
			if method == http.MethodPut && path == "/"+index {
				return http.StatusForbidden, refused
			}
			return 0, ""
		})
		if err := s.Write(t.Context(), trace(1)); !store.IsTransient(err) {
			t.Errorf("%v", err)
		}
	})
}

// If the index refuses the record of a failure, the notification and the others are
// stored, and the record is not retried for ever.
func TestRefusedRecord(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url, index := newPlace(t, url, "filter_error_trace=yes")
		b := newBare(t, url)
		b.do(http.MethodPut, "/"+index+"-error", `{"mappings": {"dynamic": "strict", "properties": {"timestamp": {"type": "date"}}}}`)
		batch := []osprofiler.Notification{note("a-start", `{"host": "h"}`), note("b-stop", `{"host": "h", "etype": "ValueError"}`)}
		err := writeAgain(t, open(t, url), batch)
		var e *store.WriteError
		if !errors.As(err, &e) || !slices.Equal(e.Refused, []int{1}) || !slices.Equal(e.Missing, []int{1}) ||
			!strings.Contains(err.Error(), "the notification is stored, but the record of its failure in the index") {
			t.Errorf("%v", err)
		}
		checkStored(t, b, index, batch)
	})
}
