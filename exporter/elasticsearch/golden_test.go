package elasticsearch_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The files in testdata/golden have the requests of a store and the answers of a real
// server of each version. TestGolden lets the store repeat the requests to the recorded
// answers, and TestGoldenOfServers to the servers.

// An exchange is a request and its answer. The name of the index is INDEX.
type exchange struct {
	Request string `json:"request"` // method, path and query
	Body    string `json:"body,omitempty"`
	Status  int    `json:"status"`
	Answer  string `json:"answer"`
}

// converse performs the calls of the recorded conversation.
func converse(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	const base = "0a1b2c3d-0000-4000-8000-00000000e001"
	event := func(name, info string) osprofiler.Notification {
		return osprofiler.Notification{
			Name: name, BaseID: base, TraceID: "0a1b2c3d-0000-4000-8000-00000000e002", ParentID: base,
			Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(info), Project: "nova", Service: "api",
		}
	}
	stop := event("db-stop", `{"etype": "ValueError", "message": "caf\u00e9", "host": "host-1"}`)
	for _, batch := range [][]osprofiler.Notification{
		{event("db-start", `{"db": {"statement": "SELECT 1", "params": [1e+16]}, "host": "host-1"}`), stop}, // usual
		{stop, event("db-stop", `{"etype.refused": 1, "host": "host-1"}`)},                                  // there already; refused
	} {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Error(err)
		}
	}
}

// A recorder records the exchanges of a client.
type recorder struct {
	elasticsearch.Client
	index     string
	exchanges []exchange
}

func (r *recorder) Perform(req *http.Request) (*http.Response, error) {
	e := exchange{Request: r.named(req.Method + " " + req.URL.RequestURI()), Body: r.named(bodyOf(req))}
	res, err := r.Client.Perform(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	e.Status, e.Answer = res.StatusCode, r.masked(string(answer))
	r.exchanges = append(r.exchanges, e)
	return res, err
}

func bodyOf(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	body, _ := req.GetBody()
	text, _ := io.ReadAll(body)
	return string(text)
}

// changing are parts of answers that differ each time.
var changing = regexp.MustCompile(`"(took|name|cluster_name|cluster_uuid|index_uuid|build_\w+)"( ?: ?)("[^"]*"|\d+|true|false)`)

func (r *recorder) masked(answer string) string {
	return changing.ReplaceAllString(r.named(answer), `"$1"$2"-"`)
}

func (r *recorder) named(text string) string { return strings.ReplaceAll(text, r.index, "INDEX") }

func TestGoldenOfServers(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url, index := newPlace(t, url)
		r := &recorder{Client: newBare(t, url).client, index: index}
		s := elasticsearch.New(r, elasticsearch.WithIndexName(index), elasticsearch.WithErrorIndexName(index+"-error"), elasticsearch.WithFilterErrorTrace(true))
		converse(t, s)
		_, name, _ := strings.Cut(t.Name(), "/")
		path := "testdata/golden/" + name + ".jsonl"
		if *update {
			writeExchanges(t, path, r.exchanges)
		}
		recorded := readExchanges(t, path)
		for i, e := range r.exchanges {
			if i >= len(recorded) || e.Request != recorded[i].Request || e.Body != recorded[i].Body || e.Status != recorded[i].Status {
				t.Errorf("request %d differs from that in %s; run the test with -update if it is right:\n%s\n%s%d", i, path, e.Request, e.Body, e.Status)
			}
		}
	})
}

// A replay answers as a server did. It reports a request that differs.
type replay struct {
	t         *testing.T
	exchanges []exchange
}

func (r *replay) Perform(req *http.Request) (*http.Response, error) {
	if len(r.exchanges) == 0 {
		r.t.Fatalf("one request more: %s %s", req.Method, req.URL.RequestURI())
	}
	e := r.exchanges[0]
	r.exchanges = r.exchanges[1:]
	if got := req.Method + " " + req.URL.RequestURI(); got != e.Request {
		r.t.Errorf("request %s\nwant    %s", got, e.Request)
	}
	if got := bodyOf(req); got != e.Body {
		r.t.Errorf("body %s\nwant %s", got, e.Body)
	}
	return &http.Response{StatusCode: e.Status, Body: io.NopCloser(strings.NewReader(e.Answer)), Header: http.Header{}}, nil
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.jsonl")
	if err != nil || len(files) != len(servers) {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := &replay{t: t, exchanges: readExchanges(t, file)}
			s := elasticsearch.New(r, elasticsearch.WithIndexName("INDEX"), elasticsearch.WithErrorIndexName("INDEX-error"), elasticsearch.WithFilterErrorTrace(true))
			converse(t, s)
			if len(r.exchanges) > 0 {
				t.Errorf("%d requests are missing", len(r.exchanges))
			}
		})
	}
}

func writeExchanges(t *testing.T, path string, exchanges []exchange) {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, e := range exchanges {
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readExchanges(t *testing.T, path string) (all []exchange) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var e exchange
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}
