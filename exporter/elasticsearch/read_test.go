package elasticsearch_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A proxy is a client that shows each request to a function, which may answer it.
type proxy struct {
	elasticsearch.Client

	mu   sync.Mutex
	seen func(method, path, query, body string) (status int, answer string) // status 0: the server answers
}

func (p *proxy) Perform(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	p.mu.Lock()
	status, answer := p.seen(req.Method, req.URL.Path, req.URL.RawQuery, string(body))
	p.mu.Unlock()
	if status != 0 {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
	}
	return p.Client.Perform(req)
}

// through opens a store of an index through a proxy.
func through(t testing.TB, b bare, index string, seen func(method, path, query, body string) (status int, answer string), opts ...elasticsearch.Option) *store.Store {
	t.Helper()
	opts = append(opts, elasticsearch.WithIndexName(index), elasticsearch.WithRefresh(elasticsearch.RefreshNow))
	s := elasticsearch.New(&proxy{Client: b.client, seen: seen}, opts...)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const forbidden = `{"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403}`

// trace returns a trace of as many notifications, one each millisecond.
func trace(size int) []osprofiler.Notification {
	batch := make([]osprofiler.Notification, size)
	first := note("step-start", `{"host": "h"}`)
	for i := range batch {
		batch[i] = first
		batch[i].TraceID = osprofiler.NewID()
		batch[i].Timestamp = osprofiler.FormatTime(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC).Add(time.Duration(i) * time.Millisecond))
	}
	return batch
}

func write(t testing.TB, s *store.Store, batch []osprofiler.Notification) {
	t.Helper()
	for chunk := range slices.Chunk(batch, 2000) {
		if err := writeAgain(t, s, chunk); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t testing.TB, s *store.Store, baseID string) (all []osprofiler.Notification) {
	t.Helper()
	for n, err := range s.Notifications(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// sameSet reports notifications that are missing, or that should not be there.
// Notifications are distinguished by their trace ids.
func sameSet(t testing.TB, got, want []osprofiler.Notification) {
	t.Helper()
	expected := map[string]osprofiler.Notification{}
	for _, n := range want {
		expected[n.TraceID] = n
	}
	for _, n := range got {
		if w, ok := expected[n.TraceID]; !ok || !w.Equal(n) {
			t.Errorf("%s should not be there, or not again", n.JSON())
		}
		delete(expected, n.TraceID)
	}
	if len(expected) > 0 {
		t.Errorf("%d of %d notifications are missing", len(expected), len(want))
	}
}

// checkReleased waits until an index has neither scrolls nor points in time. A server
// frees the state of a search that was cancelled a little later.
func (b bare) checkReleased(index string) {
	b.t.Helper()
	var answer string
	for range 600 { // a minute
		answer = b.do(http.MethodGet, "/"+index+"/_stats/search", "")
		for _, name := range []string{"_all", "total", "search", "open_contexts"} {
			answer, _ = pyjson.Get(answer, name)
		}
		if answer == "0" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Errorf("%s scrolls or points in time are open", answer)
}

// One server of each product reads pages of the largest size.
func TestReadManyPages(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, index := newPlace(t, url)
		b := newBare(t, url)
		s := open(t, p)
		count := 2500
		if testenv.Soak() || strings.HasSuffix(t.Name(), "/elasticsearch8") || strings.HasSuffix(t.Name(), "/opensearch2") {
			count = 12_000
		}
		batch := trace(count)
		write(t, s, batch)
		if got := read(t, s, batch[0].BaseID); !slices.EqualFunc(got, batch, osprofiler.Notification.Equal) {
			t.Errorf("%d notifications are read as %d, or in another order", len(batch), len(got))
		}
		leave(t, s, batch[0].BaseID, 1)
		leave(t, s, batch[0].BaseID, 500) // in the second page
		b.checkReleased(index)
	})
}

// The point in time or the scroll of a read is released, whichever way the read takes.
func TestReadWithoutRights(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		b := newBare(t, url)
		b.do(http.MethodPut, "/"+index, `{"settings": {"number_of_shards": 3}, "mappings": `+elasticsearch.EventsMapping+`}`)
		batch := trace(1000)
		usual := func(string, string, string, string) (int, string) { return 0, "" }
		write(t, through(t, b, index, usual), batch)
		isPoint := func(path string) bool {
			return strings.HasSuffix(path, "/_pit") || strings.HasSuffix(path, "/point_in_time")
		}
		for name, seen := range map[string]func(method, path, query, body string) (int, string){
			"all": usual,
			"no points in time": func(_, path, _, _ string) (int, string) {
				if isPoint(path) {
					return 403, forbidden
				}
				return 0, ""
			},
			"no scrolls either": func(_, path, query, _ string) (int, string) {
				if isPoint(path) || strings.Contains(query, "scroll=") {
					return 403, forbidden
				}
				return 0, ""
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := through(t, b, index, seen, elasticsearch.WithScroll(7, "1m"))
				got := read(t, s, batch[0].BaseID)
				sameSet(t, got, batch)
				leave(t, s, batch[0].BaseID, 1)
				leave(t, s, batch[0].BaseID, 20)
				b.checkReleased(index)
			})
		}
	})
}

// leave leaves the loop over a trace after the given number of notifications.
func leave(t testing.TB, s *store.Store, baseID string, after int) {
	t.Helper()
	for _, err := range s.Notifications(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		if after--; after == 0 {
			return
		}
	}
	t.Error("the loop was not left")
}

// putAsPython writes documents as Python's driver does, with ids that the server
// makes.
func putAsPython(b bare, index string, batch ...osprofiler.Notification) {
	b.t.Helper()
	at := "/" + index + "/_doc"
	if strings.Contains(b.do(http.MethodGet, "/", ""), `"number" : "7.17`) {
		at = "/" + index + "/notification"
	}
	for i := range batch {
		b.do(http.MethodPost, at, batch[i].JSON())
	}
	b.do(http.MethodPost, "/"+index+"/_refresh", "")
}

// Our driver finds only the notifications with exactly the requested base id. Python's
// driver also finds notifications of other traces whose base id has one part in common
// with the requested id.
func TestStrangers(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		b := newBare(t, url)
		own, other := trace(3), trace(3)
		parts := strings.Split(own[0].BaseID, "-")
		strangers := []string{
			other[0].BaseID[:8] + own[0].BaseID[8:],
			strings.ToUpper(own[0].BaseID),
			strings.Join([]string{parts[4], parts[3], parts[2], parts[1], parts[0]}, "-"),
			own[0].BaseID + " ", own[0].BaseID + "-x",
		}
		putAsPython(b, index, own...)
		for _, id := range strangers {
			n := other[0]
			n.BaseID = id
			putAsPython(b, index, n)
		}
		match := b.do(http.MethodPost, "/"+index+"/_search", fmt.Sprintf(`{"query": {"match": {"base_id": %q}}}`, own[0].BaseID))
		if !strings.Contains(match, strangers[0]) {
			t.Fatal("Python's query finds no notification of another trace")
		}
		s := through(t, b, index, func(string, string, string, string) (int, string) { return 0, "" })
		reader, _ := driver.As[driver.Reader](s.Driver())
		count := 0
		for n, err := range reader.Notifications(t.Context(), own[0].BaseID) {
			if err != nil || n.BaseID != own[0].BaseID {
				t.Errorf("the driver yields %s, %v", n.JSON(), err)
			}
			count++
		}
		if count != len(own) {
			t.Errorf("%d notifications, want %d", count, len(own))
		}
		for _, id := range strangers {
			if got := read(t, s, id); len(got) != 1 {
				t.Errorf("the trace %q has %d notifications", id, len(got))
			}
		}
	})
}

// Odd ids are read back although an index that Python's documents made does not find all
// ids exactly, and an index of another program may find none.
func TestOddIDs(t *testing.T) {
	ids := []string{
		"a", "", "---", "*", "\u00fc \u4e16\u754c", strings.Repeat("x", 300), strings.Repeat("ab-", 100), strings.Repeat("-", 400),
		strings.Repeat("word ", 2000), strings.Repeat("x", 255), strings.Repeat("\U0001F600", 200),
	}
	for name, mapping := range map[string]string{
		"python": `{}`,
		"text":   `{"properties": {"base_id": {"type": "text"}, "timestamp": {"type": "date"}}}`,
		"none":   `{"dynamic": false}`,
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, url string) {
				_, index := newPlace(t, url)
				b := newBare(t, url)
				typed := mapping
				at := ""
				if strings.Contains(b.do(http.MethodGet, "/", ""), `"number" : "7.17`) {
					typed, at = `{"notification": `+mapping+`}`, "?include_type_name=true"
				}
				b.do(http.MethodPut, "/"+index+at, `{"mappings": `+typed+`}`)
				var all []osprofiler.Notification
				for i, id := range ids {
					n := note(fmt.Sprint("x", i), `{"host": "h", "etype": "E"}`)
					n.BaseID, n.TraceID = id, id
					all = append(all, n)
				}
				putAsPython(b, index, all...)
				s := through(t, b, index, func(string, string, string, string) (int, string) { return 0, "" })
				for _, n := range all {
					if got := read(t, s, n.BaseID); len(got) != 1 || !got[0].Equal(n) {
						t.Errorf("the trace %.20q has %d notifications", n.BaseID, len(got))
					}
				}
				checkListings(t, s, ids)
				deleteAll(t, s, ids)
			})
		})
	}
}

// checkListings checks that each listing has each trace once, which failed.
func checkListings(t *testing.T, s *store.Store, ids []string) {
	t.Helper()
	for _, q := range []store.Query{{}, {Limit: 1000}, {Failed: true}, {Failed: true, Limit: 1000}, {Service: "api", Limit: 100, First: true}, {First: true}} {
		var got []string
		for trace, err := range s.Traces(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, trace.BaseID)
			if trace.Notifications != 1 || trace.Operations != 1 || trace.Failures != 1 || q.First != (trace.First != nil) {
				t.Errorf("%+v: %+v", q, trace)
			}
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(ids)); !slices.Equal(got, want) {
			t.Errorf("%+v: %d traces, want %d: %.60q", q, len(got), len(want), got)
		}
	}
}

func deleteAll(t *testing.T, s *store.Store, ids []string) {
	t.Helper()
	if count, err := s.Delete(t.Context(), ids[0]); err != nil || count != 1 {
		t.Errorf("deleting %q: %d, %v", ids[0], count, err)
	}
	deletions, err := s.DeleteTraces(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range deletions {
		if want := min(i, 1); d.Notifications != want {
			t.Errorf("deleting %.20q: %d, want %d", ids[i], d.Notifications, want)
		}
	}
	for trace, err := range s.Traces(t.Context(), store.Query{}) {
		t.Errorf("after all were deleted: %+v, %v", trace, err)
	}
}
