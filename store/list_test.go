package store_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A listing with a limit has the newest of all matching traces, whatever the order in which a
// driver yields them.
func TestTracesLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := store.Query{Limit: rapid.IntRange(0, 5).Draw(t, "limit"), Failed: rapid.Bool().Draw(t, "failed")}
		if rapid.Bool().Draw(t, "window") {
			q.Since = time.Date(2024, 1, 1, 0, 0, rapid.IntRange(0, 9).Draw(t, "since"), 0, time.UTC)
		}
		timestamp := rapid.Custom(func(t *rapid.T) string {
			second := osprofiler.FormatTime(time.Date(2024, 1, 1, 0, 0, rapid.IntRange(0, 9).Draw(t, "second"), 0, time.UTC))
			return rapid.SampledFrom([]string{"", "no time", second}).Draw(t, "time")
		})
		var all, want []store.Summary
		for i := range rapid.IntRange(0, 30).Draw(t, "traces") {
			s := store.Summary{BaseID: fmt.Sprint("trace-", i), Timestamp: timestamp.Draw(t, "first")}
			if s.Failed = rapid.Bool().Draw(t, "has failed"); s.Failed {
				s.FirstFailure = timestamp.Draw(t, "failure")
			}
			all = append(all, s)
			if q.Matches(&s) {
				want = append(want, s)
			}
		}
		s := store.New(&programmed{list: func(_ context.Context, yield func(store.Summary, error) bool) {
			for _, t := range all {
				if !yield(t, nil) {
					return
				}
			}
		}})
		var got []store.Summary
		for trace, err := range s.Traces(context.Background(), q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, trace)
		}
		if q.Limit > 0 {
			slices.SortFunc(want, func(a, b store.Summary) int {
				return cmp.Or(q.Time(&b).Compare(q.Time(&a)), cmp.Compare(a.BaseID, b.BaseID))
			})
			want = want[:min(q.Limit, len(want))]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v of %v\ngot  %v\nwant %v", q, all, got, want)
		}
	})
}
