package elasticsearch_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/store"
)

func poll(t testing.TB, f *store.Feed) (all []osprofiler.Notification) {
	t.Helper()
	for n, err := range f.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func feedOf(t testing.TB, s *store.Store, from store.Cursor) *store.Feed {
	t.Helper()
	f, err := s.Feed(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The feed misses nothing and repeats little while several programs write into an index
// that refreshes itself. The feed is sometimes opened again from its cursor.
func TestFeedWhileOthersWrite(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		_, index := newPlace(t, url)
		b := newBare(t, url)
		b.do(http.MethodPut, "/"+index, `{"settings": {"number_of_shards": 2, "refresh_interval": "50ms"}, "mappings": `+elasticsearch.EventsMapping+`}`)
		const writers, batches, size = 4, 25, 20
		var all []osprofiler.Notification
		var wg sync.WaitGroup
		for range writers {
			batch := trace(batches * size)
			all = append(all, batch...)
			s := elasticsearch.New(b.client, elasticsearch.WithIndexName(index))
			wg.Go(func() {
				for i := range batches {
					if err := writeAgain(t, s, batch[i*size:(i+1)*size]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		s := elasticsearch.New(b.client, elasticsearch.WithIndexName(index))
		f := feedOf(t, s, "")
		times := map[string]int{}
		restarts := 0
		for deadline := time.Now().Add(10 * time.Minute); len(times) < len(all) && time.Now().Before(deadline); {
			for _, n := range poll(t, f) {
				times[n.TraceID]++
			}
			if len(times) > (restarts+1)*400 {
				f, restarts = feedOf(t, s, f.Cursor()), restarts+1
			}
		}
		wg.Wait()
		again := len(poll(t, f))
		for _, count := range times {
			again += count - 1
		}
		if len(times) != len(all) || again > len(all)/10 {
			t.Errorf("of %d notifications %d came, and %d came again", len(all), len(times), again)
		}
	})
}

// A poll does not read what an earlier poll yielded, also if documents were
// deleted, and if traces are old.
func TestFeedReadsOnlyWhatIsNew(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, index := newPlace(t, url)
		b := newBare(t, url)
		writing := open(t, p)
		var traces [][]osprofiler.Notification
		for range 60 {
			traces = append(traces, trace(3))
			write(t, writing, traces[len(traces)-1])
		}
		for i := 0; i < len(traces); i += 3 {
			if _, err := writing.Delete(t.Context(), traces[i][0].BaseID); err != nil {
				t.Fatal(err)
			}
		}
		requests := 0
		s := through(t, b, index, func(string, string, string, string) (int, string) { requests++; return 0, "" })
		f := feedOf(t, s, "")
		if got := len(poll(t, f)); got != 120 {
			t.Errorf("the first poll yields %d, want 120", got)
		}
		for range 3 {
			requests = 0
			if got := poll(t, f); len(got) > 0 || requests > 6 {
				t.Errorf("a poll without news yields %d in %d requests", len(got), requests)
			}
		}
		old := trace(5)
		for i := range old {
			old[i].Timestamp = strings.Replace(old[i].Timestamp, "2024", "1999", 1)
		}
		write(t, writing, old)
		sameSet(t, poll(t, f), old)
		f = feedOf(t, s, f.Cursor())
		if got := poll(t, f); len(got) > 0 {
			t.Errorf("after a restart %d come again", len(got))
		}
	})
}

// The name of the index may be an alias, whose index is changed when it is full.
func TestFeedOfAnAlias(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, alias := newPlace(t, url)
		b := newBare(t, url)
		t.Cleanup(func() {
			for i := range 3 {
				b.try(http.MethodDelete, fmt.Sprintf("/%s-%d?ignore_unavailable=true", alias, i), "")
			}
		})
		use := func(i int) {
			b.do(http.MethodPut, fmt.Sprintf("/%s-%d", alias, i), `{"mappings": `+elasticsearch.EventsMapping+`}`)
			actions := fmt.Sprintf(`{"add": {"index": "%s-%d", "alias": %q, "is_write_index": true}}`, alias, i, alias)
			if i > 0 {
				actions = fmt.Sprintf(`{"add": {"index": "%s-%d", "alias": %q, "is_write_index": false}}, `, alias, i-1, alias) + actions
			}
			b.do(http.MethodPost, "/_aliases", `{"actions": [`+actions+`]}`)
		}
		use(0)
		s := open(t, p)
		f := feedOf(t, s, "")
		first, second, third := trace(5), trace(5), trace(5)
		write(t, s, first)
		sameSet(t, poll(t, f), first)
		cursor := f.Cursor()
		use(1)
		write(t, s, second)
		sameSet(t, poll(t, f), second)
		sameSet(t, poll(t, feedOf(t, s, cursor)), second)
		sameSet(t, read(t, s, first[0].BaseID), first)
		cursor = f.Cursor()
		use(2)
		write(t, s, third)
		b.do(http.MethodDelete, "/"+alias+"-0", "") // by the retention
		sameSet(t, poll(t, f), third)
		sameSet(t, poll(t, feedOf(t, s, cursor)), third)
	})
}

// A cursor of an index that was deleted and created again is refused.
func TestFeedOfAnotherIndex(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, index := newPlace(t, url)
		b := newBare(t, url)
		s := open(t, p)
		write(t, s, trace(5))
		f := feedOf(t, s, "")
		poll(t, f)
		cursor := f.Cursor()
		fails := func(f *store.Feed, when string) {
			t.Helper()
			for _, err := range f.Poll(t.Context()) {
				if !errors.Is(err, store.ErrCursor) {
					t.Errorf("%s: %v", when, err)
				}
				return
			}
			t.Errorf("%s: no error", when)
		}
		b.do(http.MethodDelete, "/"+index, "")
		fails(f, "without an index")
		fails(feedOf(t, s, cursor), "from a cursor, without an index")
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, s, trace(20))
		fails(f, "with a new index")
		fails(feedOf(t, s, cursor), "from a cursor, with a new index")
	})
}

// A user who may not see the settings of an index follows it by its name.
func TestFeedWithoutRights(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, index := newPlace(t, url)
		b := newBare(t, url)
		s := open(t, p)
		limited := through(t, b, index, func(_, path, _, _ string) (int, string) {
			if strings.Contains(path, "/_settings") {
				return 403, forbidden
			}
			return 0, ""
		})
		f := feedOf(t, limited, "")
		if got := poll(t, f); len(got) > 0 {
			t.Errorf("%d notifications come of no index", len(got))
		}
		for range 3 {
			batch := trace(30)
			write(t, s, batch)
			sameSet(t, poll(t, f), batch)
			f = feedOf(t, limited, f.Cursor())
		}
		b.do(http.MethodDelete, "/"+index, "")
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, s, trace(200))
		for _, err := range f.Poll(t.Context()) {
			if !errors.Is(err, store.ErrCursor) {
				t.Errorf("the index was made anew: %v", err)
			}
			return
		}
		t.Error("it is not noticed that the index was made anew")
	})
}

// An index that was closed and opened has another primary term.
func TestFeedOverAnotherTerm(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, index := newPlace(t, url)
		b := newBare(t, url)
		s := open(t, p)
		f := feedOf(t, s, "")
		for round := range 3 {
			batch := trace(30)
			write(t, s, batch)
			sameSet(t, poll(t, f), batch)
			if round == 1 { // the document that was passed last is no longer there
				if _, err := s.Delete(t.Context(), batch[0].BaseID); err != nil {
					t.Fatal(err)
				}
			}
			b.do(http.MethodPost, "/"+index+"/_close", "")
			b.do(http.MethodPost, "/"+index+"/_open", "")
			if got := poll(t, f); len(got) > 0 {
				t.Errorf("%d come again", len(got))
			}
		}
	})
}
