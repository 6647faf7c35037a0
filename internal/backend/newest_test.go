package backend

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A listing of traces that come in any order, some of them twice, is that of
// Firsts, which has them all.
func TestListingIsThatOfFirsts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := store.Query{Limit: rapid.IntRange(0, 5).Draw(t, "limit")}
		if rapid.Bool().Draw(t, "window") {
			q.Since = time.Date(2024, 1, 1, 0, 0, rapid.IntRange(0, 9).Draw(t, "since"), 0, time.UTC)
		}
		listing, times := NewListing(q), map[string]string{}
		var firsts Firsts
		var got []store.Trace
		for range rapid.IntRange(0, 30).Draw(t, "traces") {
			id := fmt.Sprint("trace-", rapid.IntRange(0, 12).Draw(t, "id"))
			if _, met := times[id]; !met {
				times[id] = rapid.SampledFrom([]string{"", "no time", osprofiler.FormatTime(time.Date(2024, 1, 1, 0, 0, rapid.IntRange(0, 9).Draw(t, "second"), 0, time.UTC))}).Draw(t, "time")
			}
			var first First
			first.Add(times[id])
			if trace, now := listing.Add(id, first); now {
				got = append(got, trace)
			}
			firsts.Add(id, times[id])
		}
		want := firsts.Traces(q)
		got = append(got, listing.Newest()...)
		if q.Limit == 0 {
			byID := func(a, b store.Trace) int { return slices.Compare([]string{a.BaseID}, []string{b.BaseID}) }
			slices.SortFunc(got, byID)
			slices.SortFunc(want, byID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v of %v\ngot  %v\nwant %v", q, times, got, want)
		}
	})
}

// A trace that comes again with an earlier event has the earlier one.
func TestListingTakesTheEarlier(t *testing.T) {
	listing := NewListing(store.Query{Limit: 2})
	for _, at := range []string{"2024-01-01T00:00:05", "2024-01-01T00:00:03", "2024-01-01T00:00:04"} {
		var first First
		first.Add(at)
		listing.Add("a", first)
	}
	if got := listing.Newest(); !slices.Equal(got, []store.Trace{{BaseID: "a", Timestamp: "2024-01-01T00:00:03"}}) {
		t.Error(got)
	}
}

// First finds what Firsts finds.
func TestFirst(t *testing.T) {
	for _, times := range [][]string{{"2024-01-01T00:00:05", "2024-01-01T00:00:04Z", "2024-01-01T00:00:06"}, {"", "b", "a"}, {"x", "2024-01-01T00:00:05"}, {""}} {
		var first First
		var firsts Firsts
		for _, at := range times {
			first.Add(at)
			firsts.Add("a", at)
		}
		if want, ok := firsts.Get("a"); !ok || !first.Met || first.Timestamp() != want {
			t.Errorf("%q: got %q, want %q", times, first.Timestamp(), want)
		}
	}
}
