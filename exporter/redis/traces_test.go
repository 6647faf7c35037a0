package redis_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A drawnTrace is a trace that a test puts into a database.
type drawnTrace struct {
	list   []string // entries, the newest first; some may be damaged
	legacy []string // values of legacy keys
}

// drawEvent draws a notification. Many have equal times, and some have none.
func drawEvent(t *rapid.T, id string) osprofiler.Notification {
	n := event(id, rapid.IntRange(0, 20).Draw(t, "time"))
	n.Service = rapid.SampledFrom([]string{"", "nova", "glance"}).Draw(t, "service")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		n.Timestamp = rapid.SampledFrom([]string{"", "yesterday", "0001-01-01T00:00:00.000000"}).Draw(t, "no time")
	case 1, 2:
		n.Info = `{"etype": "E", "host": "h"}`
	}
	return n
}

func drawTrace(t *rapid.T, id string) (d drawnTrace) {
	for range rapid.IntRange(0, 14).Draw(t, "entries") {
		n := drawEvent(t, id)
		text := n.JSON()
		if rapid.IntRange(0, 20).Draw(t, "damaged") == 0 {
			text = rapid.SampledFrom([]string{"{", event("another", 0).JSON()}).Draw(t, "damage")
		}
		d.list = append(d.list, text)
	}
	if rapid.IntRange(0, 5).Draw(t, "legacy") == 0 {
		for range rapid.IntRange(1, 3).Draw(t, "legacy keys") {
			n := drawEvent(t, id)
			n.Service = "nova" // any of several legacy events with equal times may be the first
			d.legacy = append(d.legacy, n.JSON())
		}
	}
	return d
}

// put writes a trace to the database, unchanged.
func (d *drawnTrace) put(t *rapid.T, pipe goredis.Pipeliner, id string) {
	if len(d.list) > 0 {
		entries := make([]any, len(d.list))
		for i, text := range d.list {
			entries[i] = text
		}
		pipe.RPush(t.Context(), "osprofiler_opt:"+id, entries...)
	}
	for i, text := range d.legacy {
		pipe.Set(t.Context(), fmt.Sprintf("osprofiler:%s_%d_t", id, i), text, 0)
	}
}

// summary computes the summary of a trace by the plain algorithm. ok is false
// if nothing of the trace can be read.
func (d *drawnTrace) summary(id string) (summary store.Summary, ok bool) {
	var s driver.Summarizer
	var first osprofiler.Notification
	oldestFirst := slices.Clone(d.list)
	slices.Reverse(oldestFirst)
	for _, text := range slices.Concat(d.legacy, oldestFirst) {
		if n, err := osprofiler.ParseNotification(text); err == nil && n.BaseID == id && s.Add(&n) {
			first = n
		}
	}
	summary = s.Summary()
	summary.First = &first
	return summary, s.Len() > 0
}

// plainly lists traces by the plain algorithm, which sorts the summaries of all
// traces.
func plainly(traces map[string]drawnTrace, q store.Query) (all []store.Summary) {
	for id, d := range traces {
		if s, ok := d.summary(id); ok && q.Matches(&s) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b store.Summary) int {
		return cmp.Or(q.Time(&b).Compare(q.Time(&a)), strings.Compare(a.BaseID, b.BaseID))
	})
	if q.Limit > 0 {
		all = all[:min(q.Limit, len(all))]
	}
	return all
}

func drawQuery(t *rapid.T) (q store.Query) {
	begin := time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)
	moment := func(name string) time.Time {
		return begin.Add(time.Duration(rapid.IntRange(-1, 21).Draw(t, name)) * time.Millisecond)
	}
	q.First = true
	q.Limit = rapid.IntRange(0, 12).Draw(t, "limit")
	q.Failed = rapid.IntRange(0, 3).Draw(t, "failed") == 0
	q.Service = rapid.SampledFrom([]string{"", "", "nova"}).Draw(t, "of service")
	if rapid.Bool().Draw(t, "has since") {
		q.Since = moment("since")
	}
	if rapid.IntRange(0, 3).Draw(t, "has until") == 0 {
		q.Until = moment("until")
	}
	return q
}

// A listing that rules out lists by their oldest entry yields the same as a
// listing that reads all of them, wherever the first event is in a list, with
// equal times, missing times, damaged entries, and legacy keys.
func TestListingRulesOutNoTraceOfTheNewest(t *testing.T) {
	url := testenv.RedisDB(t)
	client := bare(t, url)
	rapid.Check(t, func(t *rapid.T) {
		traces := map[string]drawnTrace{}
		pipe := client.Pipeline()
		pipe.FlushDB(t.Context())
		for i := range rapid.IntRange(0, 60).Draw(t, "traces") {
			id := fmt.Sprintf("t%02d", i)
			d := drawTrace(t, id)
			d.put(t, pipe, id)
			traces[id] = d
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := oredis.New(client)
		defer s.Close()
		for range 3 {
			q := drawQuery(t)
			var got []store.Summary
			for summary, err := range s.Traces(t.Context(), q) {
				if err == nil {
					got = append(got, summary)
				} else if store.Ends(err) {
					t.Fatal(err)
				}
			}
			want := plainly(traces, q)
			if q.Limit == 0 {
				slices.SortFunc(got, func(a, b store.Summary) int { return strings.Compare(a.BaseID, b.BaseID) })
				slices.SortFunc(want, func(a, b store.Summary) int { return strings.Compare(a.BaseID, b.BaseID) })
			}
			equal := gocmp.Comparer(func(a, b osprofiler.Notification) bool { return a.Timestamp == b.Timestamp })
			if diff := gocmp.Diff(want, got, equal); diff != "" {
				t.Fatalf("%+v: the plain listing (-), ours (+):\n%s", q, diff)
			}
		}
	})
}

// A listing of the newest of many traces reads few lists.
func TestListingReadsFewLists(t *testing.T) {
	server := testenv.StartRedis(t)
	url := "redis://" + server.Addr()
	s, client := open(t, url), bare(t, url)
	ids := fill(t, s, 5000)
	before := commandCalls(t, client, "lrange")
	got, _ := collect(t, s.Traces(t.Context(), store.Query{Limit: 10}))
	if len(got) != 10 || got[0].BaseID != ids[4999] || got[9].BaseID != ids[4990] {
		t.Errorf("listed %v", got)
	}
	if read := commandCalls(t, client, "lrange") - before; read > 500 {
		t.Errorf("%d lists were read", read)
	}
	oldest := event("", 4900)
	since, _ := oldest.Time()
	before = commandCalls(t, client, "lrange")
	if got, _ := collect(t, s.Traces(t.Context(), store.Query{Since: since})); len(got) != 100 {
		t.Errorf("listed %d", len(got))
	}
	if read := commandCalls(t, client, "lrange") - before; read > 100 {
		t.Errorf("%d lists were read", read)
	}
}

// Reading in rounds, each of which rules out candidates, yields the newest of
// many traces. Traces with equal times are in the order of their base ids.
func TestListingOfManyTraces(t *testing.T) {
	s := open(t, testenv.RedisDB(t))
	var batch []osprofiler.Notification
	for range 6000 {
		id, i := osprofiler.NewID(), rand.IntN(900)
		stop, start := event(id, i+rand.IntN(100)), event(id, i)
		batch = append(batch, stop, start)
		if rand.IntN(3) == 0 {
			batch[len(batch)-1].Service = "nova"
		}
	}
	traces := map[string]drawnTrace{}
	for _, n := range batch {
		traces[n.BaseID] = drawnTrace{list: append([]string{n.JSON()}, traces[n.BaseID].list...)}
	}
	for part := range slices.Chunk(batch, 5000) {
		write(t, s, part...)
	}
	for _, q := range []store.Query{{Limit: 1}, {Limit: 100}, {Limit: 2500}, {Limit: 7000}, {Limit: 50, Service: "nova"}, {Limit: 5, Service: "nowhere"}} {
		got, _ := collect(t, s.Traces(t.Context(), q))
		want := plainly(traces, q)
		if !slices.EqualFunc(got, want, func(a, b store.Summary) bool { return a.BaseID == b.BaseID && a.Notifications == 2 }) {
			t.Errorf("%+v lists %d traces, want %d, or others", q, len(got), len(want))
		}
	}
}
