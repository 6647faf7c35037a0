package sql_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// randomEvents returns notifications of some traces: with equal times, odd
// times, failures and notifications that look like failures.
func randomEvents(chance *rand.Rand, traces, count int) (batch []osprofiler.Notification) {
	infos := []osprofiler.Info{
		`{"host": "h"}`, `{"host": "h"}`, `{"etype": "E", "host": "h"}`, `{"etype": null, "host": "h"}`,
		`{"text": "no etype here", "host": "h"}`, `{"\u0065type": "E", "host": "h"}`,
	}
	for i := range count {
		timestamp := fmt.Sprintf("2024-05-06T07:08:%02d.000000", chance.IntN(60))
		switch chance.IntN(12) {
		case 0:
			timestamp = strings.TrimSuffix(timestamp, ".000000") + "Z"
		case 1:
			timestamp = ""
		case 2:
			timestamp = ""
		}
		trace := chance.IntN(traces)
		n := event(fmt.Sprint("B", trace), fmt.Sprint("n", i, "-start"))
		n.Timestamp = timestamp
		n.Info = infos[chance.IntN(len(infos))]
		n.Service = fmt.Sprint("s", chance.IntN(3))
		if chance.IntN(9) == 0 {
			n.Project = strings.Repeat("p", 300)
		}
		if trace == 0 {
			n.BaseID = strings.Repeat("é", 300)
		}
		batch = append(batch, n)
	}
	return batch
}

// The summaries that the database computes equal those of the notifications.
func TestSummaries(t *testing.T) {
	onDatabases(t, func(t *testing.T, at string) {
		for round := range 12 {
			checkSummaries(t, at, round)
		}
	})
}

// onDatabases runs a test on SQLite and on the servers.
func onDatabases(t *testing.T, test func(t *testing.T, at string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:///"+filepath.Join(t.TempDir(), "store.db?osp_sync=no")) })
	onServers(t, func(t *testing.T, _, at string) { test(t, at) })
}

func checkSummaries(t *testing.T, at string, round int) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	chance := rand.New(rand.NewPCG(seed, 1))
	s := open(t, at)
	for id := range everything(t, s) {
		if _, err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	batch := randomEvents(chance, 1+chance.IntN(60), 1+chance.IntN(700))
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	all := map[string]*driver.Summarizer{}
	for i := range batch {
		if all[batch[i].BaseID] == nil {
			all[batch[i].BaseID] = &driver.Summarizer{}
		}
		all[batch[i].BaseID].Add(&batch[i])
	}
	for _, q := range []store.Query{
		{}, {First: true}, {Failed: true}, {Limit: 3}, {Failed: true, Limit: 3}, {Service: "s1"}, {Service: "s1", Limit: 4}, {Failed: true, Service: "s2", Limit: 2},
		{Since: time.Date(2024, 5, 6, 7, 8, 20, 0, time.UTC), Until: time.Date(2024, 5, 6, 7, 8, 40, 0, time.UTC)},
		{Failed: true, Since: time.Date(2024, 5, 6, 7, 8, 20, 0, time.UTC), Limit: 5},
	} {
		got, want := listed(t, s, q), wanted(all, q)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("seed %d, round %d, %+v: the summary %d is\n%s\nwant\n%s", seed, round, q, i, got[i], want[i])
				}
			}
			t.Fatalf("seed %d, round %d, %+v: %d summaries, want %d", seed, round, q, len(got), len(want))
		}
	}
}

// everything returns the base ids of all traces.
func everything(t *testing.T, s *store.Store) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for summary, err := range s.Traces(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids[summary.BaseID] = true
	}
	return ids
}

func listed(t *testing.T, s *store.Store, q store.Query) (all []string) {
	t.Helper()
	for summary, err := range s.Traces(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if q.First != (summary.First != nil) || q.First && (summary.First.Name != summary.Name || summary.First.BaseID != summary.BaseID) {
			t.Errorf("%+v has the first notification %+v", summary, summary.First)
		}
		all = append(all, tell(&summary))
	}
	if q.Limit == 0 {
		slices.Sort(all)
	}
	return all
}

// tell returns a summary as text, without values that are not determined for
// events without a time.
func tell(s *store.Summary) string {
	if s.Time().IsZero() {
		s.Timestamp, s.LastTimestamp, s.Name, s.Service, s.Project = "", "", "", "", ""
	}
	if s.FirstFailureTime().IsZero() {
		s.FirstFailure = ""
	}
	if last := s.LastTime(); !last.IsZero() { // several last events of the same time may have different texts
		s.LastTimestamp = osprofiler.FormatTime(last)
	}
	s.First = nil
	return fmt.Sprintf("%+v", *s)
}

func wanted(all map[string]*driver.Summarizer, q store.Query) (texts []string) {
	var summaries []store.Summary
	for _, z := range all {
		if s := z.Summary(); q.Matches(&s) {
			summaries = append(summaries, s)
		}
	}
	if q.Limit > 0 {
		slices.SortFunc(summaries, func(a, b store.Summary) int {
			if c := q.Time(&b).Compare(q.Time(&a)); c != 0 {
				return c
			}
			return strings.Compare(a.BaseID, b.BaseID)
		})
		summaries = summaries[:min(q.Limit, len(summaries))]
	}
	for i := range summaries {
		texts = append(texts, tell(&summaries[i]))
	}
	if q.Limit == 0 {
		slices.Sort(texts)
	}
	return texts
}
