package loginsight_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// randomTraces fills a server with traces whose events arrived long after they were
// made, or somewhat before, and returns the notifications of each.
func randomTraces(r *rand.Rand, server *loginsightserver.Server) map[string][]osprofiler.Notification {
	now := time.Now()
	traces := map[string][]osprofiler.Notification{}
	var events []loginsightserver.Event
	for i := range 30 + r.IntN(60) {
		id := fmt.Sprintf("0a1b2c3d-0000-4000-8000-%012d", i)
		if r.IntN(10) == 0 {
			id = fmt.Sprintf("odd id %d/*", i)
		}
		made := now.Add(-time.Duration(r.Int64N(int64(10 * 24 * time.Hour))))
		for range 1 + r.IntN(4) {
			n := note(id, r.IntN(1e6))
			made = made.Add(time.Duration(r.Int64N(int64(30 * time.Hour))))
			n.Timestamp = osprofiler.FormatTime(made)
			n.Service = []string{"api", "compute"}[r.IntN(2)]
			if r.IntN(6) == 0 {
				n.Info = `{"etype": "ValueError", "host": "h"}`
			}
			arrived := made
			switch r.IntN(4) {
			case 0: // the clock of the service is ahead
				arrived = made.Add(-time.Duration(r.Int64N(int64(loginsight.ClockSkew))))
			case 1: // the trace was copied
				arrived = made.Add(time.Duration(r.Int64N(int64(9 * 24 * time.Hour))))
			}
			traces[id] = append(traces[id], n)
			events = append(events, stored(n, arrived))
		}
	}
	server.Add(events...)
	return traces
}

func randomQuery(r *rand.Rand) store.Query {
	var q store.Query
	at := func() time.Time { return time.Now().Add(-time.Duration(r.Int64N(int64(10 * 24 * time.Hour)))) }
	if r.IntN(2) == 0 {
		q.Since = at()
	}
	if r.IntN(3) == 0 {
		q.Until = at()
	}
	if r.IntN(3) == 0 {
		q.Service = "api"
	}
	if r.IntN(2) == 0 {
		q.Limit = 1 + r.IntN(20)
	}
	if r.IntN(4) == 0 {
		q.MinDuration = time.Duration(r.Int64N(int64(24 * time.Hour)))
	}
	q.Failed, q.ByFirstEvent, q.First = r.IntN(3) == 0, r.IntN(2) == 0, r.IntN(3) == 0
	return q
}

// expected returns the traces that a query asks for, the newest first.
func expected(traces map[string][]osprofiler.Notification, q store.Query) (all []store.Summary) {
	for _, batch := range traces {
		var s driver.Summarizer
		for i := range batch {
			s.Add(&batch[i])
		}
		if summary := s.Summary(); q.Matches(&summary) {
			all = append(all, summary)
		}
	}
	slices.SortFunc(all, func(a, b store.Summary) int { return q.Time(&b).Compare(q.Time(&a)) })
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all
}

// A listing looks only at a part of the events, and is still correct.
func TestTraces(t *testing.T) {
	defer loginsight.SetCheckEvery(5)()
	defer loginsight.SetMostTraces(15)() // so that listings come in parts
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		if seed == 6 {
			loginsight.SetMostTraces(1000)
		}
		server := loginsightserver.New(t)
		traces := randomTraces(r, server)
		s := open(t, server.URL())
		for range 15 {
			q := randomQuery(r)
			want := expected(traces, q)
			var got []store.Summary
			for summary, err := range s.Traces(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if q.First && (summary.First == nil || summary.First.Timestamp != summary.Timestamp) {
					t.Errorf("seed %d, %+v: the first notification is %v", seed, q, summary.First)
				}
				summary.First = nil
				got = append(got, summary)
			}
			byID := func(a, b store.Summary) int { return cmp.Compare(a.BaseID, b.BaseID) }
			slices.SortFunc(want, byID)
			slices.SortFunc(got, byID)
			if !slices.Equal(got, want) {
				t.Errorf("seed %d, %+v:\ngot  %+v\nwant %+v", seed, q, got, want)
			}
		}
	}
}

// The newest traces are listed without reading all events, and failures are found by a
// query for them.
func TestTracesReadLittle(t *testing.T) {
	server := loginsightserver.New(t)
	var events []loginsightserver.Event
	now := time.Now()
	for i := range 21_000 {
		made := now.Add(-time.Duration(i) * time.Hour)
		n := note(fmt.Sprintf("0a1b2c3d-0000-4000-8000-%012d", i), i)
		n.Timestamp = osprofiler.FormatTime(made)
		if i%5000 == 0 {
			n.Info = `{"etype": "ValueError"}`
		}
		events = append(events, stored(n, made))
	}
	server.Add(events...)
	s := open(t, server.URL())
	for _, c := range []struct {
		q       store.Query
		traces  int
		queries []string // the beginning of each
	}{
		{store.Query{Limit: 100}, 100, []string{"text/CONTAINS+OSProfiler+trace/timestamp/GT+0", "text/CONTAINS+", "base_id/CONTAINS+"}}, // one page is read ahead
		{store.Query{Since: now.Add(-10*time.Hour - time.Minute)}, 11, []string{"text/CONTAINS+OSProfiler+trace/timestamp/GT+0/timestamp/GE+", "base_id/CONTAINS+"}},
		{store.Query{Failed: true}, 5, []string{"trace/CONTAINS+etype/timestamp/GT+0", "base_id/CONTAINS+"}},
	} {
		server.Requests()
		n := 0
		for _, err := range s.Traces(t.Context(), c.q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		var paths []string
		for _, r := range server.Requests() {
			if path, ok := strings.CutPrefix(r.Path, "/api/v1/events/"); ok {
				paths = append(paths, path)
			}
		}
		for i, path := range paths {
			// a page that is read ahead may be requested before the next query, after it, or never
			if i == 0 && !strings.HasPrefix(path, c.queries[0]) || !slices.ContainsFunc(c.queries, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
				t.Errorf("%+v: the query %d is %s", c.q, i, path)
			}
		}
		if n != c.traces || len(paths) < 2 || len(paths) > 12 {
			t.Errorf("%+v: %d traces by %d queries", c.q, n, len(paths))
		}
	}
}

// Queries for an id that no word search can find read all events.
func TestOddIDs(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	ids := []string{"", " ", "*", "a*", "?", "a/b", "a+b", "a b", "A", "a", "ą", "--", "a-", "\x00", "a\xed\xa0\x80", "%41", "..", strings.Repeat("a", 300), strings.Repeat("b", 40_000), "1", "a_b", `"`, "LAST 5"}
	for i, id := range ids {
		if err := s.Write(t.Context(), []osprofiler.Notification{note(id, i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range ids {
		if got := read(t, s, id); len(got) != 1 || got[0].TraceID != note(id, i).TraceID {
			t.Errorf("%.40q: %d notifications", id, len(got))
		}
	}
	n := 0
	for _, err := range s.Traces(t.Context(), store.Query{Since: time.Unix(1, 0)}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(ids) {
		t.Errorf("%d traces, want %d", n, len(ids))
	}
}
