package elasticsearch_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A listing of an index that Python's documents made is exact, though its times
// have only milliseconds, and though some documents are in the short form.
func TestSummariesAreExact(t *testing.T) {
	for name, prepare := range map[string]func(b bare, index string){
		"ours": func(bare, string) {},
		"ours with three shards": func(b bare, index string) {
			b.do(http.MethodPut, "/"+index, `{"settings": {"number_of_shards": 3}, "mappings": `+elasticsearch.EventsMapping+`}`)
		},
		"python": func(b bare, index string) {
			pythonIndex(b.t, b, index)
			b.do(http.MethodPost, "/"+index+"/_refresh", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEachInTurn(t, func(t *testing.T, url string) {
				p, index := newPlace(t, url)
				b := newBare(t, url)
				prepare(b, index)
				s := open(t, p)
				want := expected{}
				for trace, err := range s.Traces(t.Context(), store.Query{}) { // those of Python
					if err != nil {
						t.Fatal(err)
					}
					want[trace.BaseID] = nil
				}
				want.write(t, s, 40)
				for i, q := range []store.Query{
					{}, {Limit: 5}, {Limit: 10}, {Limit: 1000}, {Failed: true}, {Failed: true, Limit: 7}, {Failed: true, ByFirstEvent: true, Limit: 9},
					{Service: "api", Limit: 10}, {Service: "conductor"}, {MinDuration: 500 * time.Microsecond, Limit: 12},
					{Since: start.Add(300 * time.Microsecond), Until: start.Add(9*time.Millisecond + 7*time.Microsecond)},
					{Since: start.Add(3 * time.Millisecond), Until: start.Add(9*time.Millisecond + 7*time.Microsecond), Limit: 30},
					{Since: start.Add(3 * time.Millisecond), Failed: true, Limit: 30},
				} {
					for _, large := range [][]int64{{1, 100}, {4}}[i%2] {
						want.checkLarge(t, s, q, large)
					}
				}
			})
		})
	}
}

var start = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// expected has the traces of a store; nil for those that are not checked.
type expected map[string]*driver.Summarizer

// write writes traces of up to twelve events within a few milliseconds.
func (e expected) write(t *testing.T, s *store.Store, traces int) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []osprofiler.Notification
	for i := range traces {
		first := note("wsgi-start", `{"host": "h"}`)
		e[first.BaseID] = &driver.Summarizer{}
		at := start.Add(time.Duration(r.IntN(20)) * time.Millisecond)
		for j := range 1 + r.IntN(12) {
			n := first
			n.Name, n.TraceID = fmt.Sprint("step", j, "-start"), fmt.Sprint(r.IntN(6))
			n.Service = []string{"api", "conductor"}[i%2]
			n.Timestamp = osprofiler.FormatTime(at.Add(time.Duration(r.IntN(3000)) * time.Microsecond / time.Duration(1+i%3*3)))
			switch r.IntN(20) {
			case 0:
				n.Timestamp += "7Z" // nanoseconds: the short form
			case 1, 2:
				n.Info = `{"etype": "E", "host": "h"}`
			case 3:
				n.Info = `{"host": {"conflict": 1}, "etype": 5}`
			case 4:
				n.TraceID = ""
			}
			e[n.BaseID].Add(&n)
			all = append(all, n)
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	write(t, s, all)
}

// checkLarge is check with another limit for the number of documents of a large trace.
func (e expected) checkLarge(t *testing.T, s *store.Store, q store.Query, documents int64) {
	t.Helper()
	defer elasticsearch.SetLargeTrace(documents)()
	e.check(t, s, q)
}

// check compares the answer to a query.
func (e expected) check(t *testing.T, s *store.Store, q store.Query) {
	t.Helper()
	var want []driver.Summary
	for _, s := range e {
		if s == nil {
			continue
		}
		if sum := s.Summary(); q.Matches(&sum) {
			want = append(want, sum)
		}
	}
	newestFirst := func(a, b driver.Summary) int {
		return cmp.Or(q.Time(&b).Compare(q.Time(&a)), strings.Compare(a.BaseID, b.BaseID))
	}
	slices.SortFunc(want, newestFirst)
	if q.Limit > 0 {
		want = want[:min(q.Limit, len(want))]
	}
	var got []driver.Summary
	for trace, err := range s.Traces(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if known, ok := e[trace.BaseID]; !ok || known != nil {
			got = append(got, trace)
		}
	}
	if q.Limit == 0 {
		slices.SortFunc(got, newestFirst)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !same(got[i], want[i]) {
			t.Fatalf("%+v: %d traces, want %d; number %d differs:\n%+v\n%+v", q, len(got), len(want), i, got[min(i, len(got)):min(i+1, len(got))], want[min(i, len(want)):min(i+1, len(want))])
		}
	}
}

// same compares summaries. Several events may be the first one.
func same(a, b driver.Summary) bool {
	a.Name, b.Name = "", ""
	return a == b
}

// A listing of the newest traces does not go through all of an index.
func TestNewestReadsLittle(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		b := newBare(t, url)
		requests := 0
		s := through(t, b, index, func(string, string, string, string) (int, string) { requests++; return 0, "" })
		writeTraces(t, s, 3000)
		for _, q := range []store.Query{{Limit: 20}, {Limit: 20, Since: start.Add(10 * time.Second)}, {Failed: true, Limit: 20}} {
			requests = 0
			if got := count(t, s, q); got != 20 || requests > 12 {
				t.Errorf("%+v: %d traces in %d requests", q, got, requests)
			}
		}
	})
}

// The traces of a request in a window of time are not read one by one.
func TestRequestInAWindowReadsLittle(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		b := newBare(t, url)
		requests := 0
		s := through(t, b, index, func(string, string, string, string) (int, string) { requests++; return 0, "" })
		writeTraces(t, s, 400)
		one := note("wsgi-start", `{"openstack": {"request_id": "req-1"}}`)
		one.BaseID, one.Timestamp = osprofiler.NewID(), osprofiler.FormatTime(start.Add(50*time.Second))
		if err := writeAgain(t, s, []osprofiler.Notification{one}); err != nil {
			t.Fatal(err)
		}
		requests = 0
		if got := count(t, s, store.Query{RequestID: "req-1", Since: start.Add(10 * time.Second)}); got != 1 || requests > 40 {
			t.Errorf("%d traces in %d requests", got, requests)
		}
	})
}

func count(t testing.TB, s *store.Store, q store.Query) (traces int) {
	t.Helper()
	for _, err := range s.Traces(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		traces++
	}
	return traces
}

// writeTraces writes traces of two operations, one each second. Every tenth failed.
func writeTraces(t testing.TB, s *store.Store, traces int) {
	t.Helper()
	batch := make([]osprofiler.Notification, 0, 4000)
	for i := range traces {
		first := note("wsgi-start", `{"host": "h", "request": {"path": "/v2.1/servers", "method": "GET"}}`)
		for j := range 4 {
			n := first
			if n.Name = []string{"wsgi", "db"}[j%2] + []string{"-start", "-stop"}[j/2]; j%2 == 1 {
				n.TraceID = osprofiler.NewID()
			}
			if j == 3 && i%10 == 0 {
				n.Info = `{"host": "h", "etype": "ValueError"}`
			}
			n.Timestamp = osprofiler.FormatTime(start.Add(time.Duration(i)*time.Second + time.Duration(j)*time.Millisecond))
			batch = append(batch, n)
		}
		if len(batch) == cap(batch) || i == traces-1 {
			write(t, s, batch)
			batch = batch[:0]
		}
	}
}

// The memory that a listing needs does not depend on the number of traces. With
// OSP_TEST_SOAK=1 there are 100,000.
func TestListingOfManyTraces(t *testing.T) {
	traces := 5000
	if testenv.Soak() {
		traces = 100_000
	}
	onEachInTurn(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		b := newBare(t, url)
		s := elasticsearch.New(b.client, elasticsearch.WithIndexName(index))
		writeTraces(t, s, traces)
		b.do(http.MethodPost, "/"+index+"/_refresh", "")
		for _, q := range []store.Query{{}, {Failed: true}, {Limit: 100}} {
			var m runtime.MemStats
			listed, most, began := 0, uint64(0), time.Now()
			for trace, err := range s.Traces(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if trace.Operations != 3 || trace.Notifications != 4 {
					t.Fatalf("%+v", trace)
				}
				if listed++; listed%2000 == 1 {
					runtime.GC()
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
			}
			want := traces
			if q.Failed {
				want = traces / 10
			}
			if q.Limit > 0 {
				want = q.Limit
			}
			t.Logf("%+v: %d traces in %v, %d MB of heap", q, listed, time.Since(began).Round(time.Millisecond), most>>20)
			if listed != want || most > 64<<20 {
				t.Errorf("%+v: %d traces, want %d; %d MB of heap", q, listed, want, most>>20)
			}
		}
		b.checkReleased(index)
	})
}
