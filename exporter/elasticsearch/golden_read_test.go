package elasticsearch_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The files in testdata/golden/read have the requests of a store that reads, and the
// answers of a real server of each version.

// converseReading performs the reads of the recorded conversation.
func converseReading(t *testing.T, s *store.Store) {
	t.Helper()
	const base = "0a1b2c3d-0000-4000-8000-00000000e0"
	id := func(i int) string { return fmt.Sprintf("%s%02d", base, i) }
	var batch []osprofiler.Notification
	for i := range 9 {
		batch = append(batch, osprofiler.Notification{
			Name: "db-start", BaseID: id(i / 7), TraceID: id(10 + i), ParentID: id(i / 7),
			Timestamp: fmt.Sprintf("2024-05-06T07:08:09.00%d010", i), Info: `{"host": "host-1"}`, Project: "nova", Service: "api",
		})
	}
	batch[8].Info = `{"etype": "ValueError", "host": "host-1"}`
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	sameSet(t, read(t, s, id(0)), batch[:7]) // in two pages
	f := feedOf(t, s, "")
	sameSet(t, poll(t, f), batch)
	sameSet(t, poll(t, f), nil)
	defer elasticsearch.SetLargeTrace(7)() // so that the server sums up one trace
	for _, c := range []struct {
		q    store.Query
		want int
	}{{store.Query{}, 2}, {store.Query{Limit: 1, First: true}, 1}, {store.Query{Failed: true, Service: "api", Since: start}, 1}} {
		if got := count(t, s, c.q); got != c.want {
			t.Errorf("%+v: %d traces, want %d", c.q, got, c.want)
		}
	}
	if deleted, err := s.Delete(t.Context(), id(0)); err != nil || deleted != 7 {
		t.Errorf("%d notifications were deleted, %v", deleted, err)
	}
}

// A readRecorder is a recorder that names what differs in each conversation.
type readRecorder struct {
	recorder
	names map[string]string
}

var readOptions = []elasticsearch.Option{
	elasticsearch.WithRefresh(elasticsearch.RefreshNow), elasticsearch.WithScroll(5, "1m"),
}

// differing are the members whose values differ, and took those with times.
var (
	differing = regexp.MustCompile(`"(id|pit_id|uuid)" ?: ?"([^"]+)"`)
	took      = regexp.MustCompile(`"(took|creation_time)" ?: ?\d+`)
)

func (r *readRecorder) Perform(req *http.Request) (*http.Response, error) {
	e := exchange{Request: r.named(req.Method + " " + req.URL.RequestURI()), Body: r.named(bodyOf(req))}
	res, err := r.Client.Perform(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	e.Status, e.Answer = res.StatusCode, r.named(string(answer))
	if req.URL.Path == "/" {
		e.Answer = r.masked(e.Answer)
	}
	for _, match := range differing.FindAllStringSubmatch(e.Answer, -1) {
		if len(match[2]) > 10 && r.names[match[2]] == "" {
			r.names[match[2]] = strings.ToUpper(match[1])
		}
	}
	for value, name := range r.names {
		e.Body, e.Answer = strings.ReplaceAll(e.Body, value, name), strings.ReplaceAll(e.Answer, value, name)
	}
	e.Answer = took.ReplaceAllString(e.Answer, `"$1":0`)
	r.exchanges = append(r.exchanges, e)
	return res, err
}

func TestGoldenReadingOfServers(t *testing.T) {
	onEachInTurn(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		r := &readRecorder{recorder{Client: newBare(t, url).client, index: index}, map[string]string{}}
		s := elasticsearch.New(r, append(readOptions, elasticsearch.WithIndexName(index), elasticsearch.WithErrorIndexName(index+"-error"))...)
		converseReading(t, s)
		path := "testdata/golden/read/" + filepath.Base(t.Name()) + ".jsonl"
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

func TestGoldenReading(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/read/*.jsonl")
	if err != nil || len(files) != len(servers) {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := &replay{t: t, exchanges: readExchanges(t, file)}
			s := elasticsearch.New(r, append(readOptions, elasticsearch.WithIndexName("INDEX"), elasticsearch.WithErrorIndexName("INDEX-error"))...)
			converseReading(t, s)
			if len(r.exchanges) > 0 {
				t.Errorf("%d requests are missing", len(r.exchanges))
			}
		})
	}
}
