package hostile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

const (
	batchSize    = 500
	mostProblems = 5 // the largest number of problems that are reported
	shortText    = 1500
	tries        = 8
)

// Write writes all notifications. The store must take each of them.
func Write(t *testing.T, s *store.Store, all []osprofiler.Notification) {
	t.Helper()
	began := time.Now()
	for batch := range slices.Chunk(all, batchSize) {
		err := patiently(func() error { return s.Write(t.Context(), batch) })
		if err == nil {
			continue
		}
		var lost *store.WriteError
		if errors.As(err, &lost) && len(lost.Missing) > 0 {
			t.Errorf("among those not taken:\n%s", short(batch[lost.Missing[0]].JSON()))
		}
		t.Fatal(err)
	}
	t.Logf("%d notifications written in %v", len(all), time.Since(began).Round(time.Millisecond))
}

// patiently calls a function again while its error is transient, because a server with
// little memory refuses some requests.
func patiently(call func() error) (err error) {
	for try := range tries {
		time.Sleep(time.Duration(try*try) * 100 * time.Millisecond)
		if err = call(); !store.IsTransient(err) {
			break
		}
	}
	return err
}

// Check reads all traces and compares them with the written notifications. It compares
// each notification by its JSON value, and each summary with the summary that follows from
// the notifications. The store must have no other traces.
func Check(t *testing.T, s *store.Store, all []osprofiler.Notification) {
	t.Helper()
	began := time.Now()
	traces := map[string][]osprofiler.Notification{}
	for _, n := range all {
		id := driver.Text(n.BaseID)
		traces[id] = append(traces[id], n)
	}
	var p problems
	for id, want := range traces {
		if len(p) > 100 {
			break
		}
		p.trace(t.Context(), s, id, want)
	}
	p.report(t, "reading the traces")
	t.Logf("%d traces read in %v", len(traces), time.Since(began).Round(time.Millisecond))
	began, p = time.Now(), nil
	p.listing(t.Context(), s, traces)
	p.report(t, "listing the traces")
	t.Logf("%d traces listed in %v", len(traces), time.Since(began).Round(time.Millisecond))
}

// CheckDelete deletes the traces whose base ids are no UUIDs, and a few others. The
// rest must stay.
func CheckDelete(t *testing.T, s *store.Store, all []osprofiler.Notification) {
	t.Helper()
	counts, deleted := map[string]int{}, map[string]bool{}
	for _, n := range all {
		counts[driver.Text(n.BaseID)]++
	}
	for id, count := range counts {
		if _, ok := osprofiler.ParseUUID(id); ok && len(deleted) > 10 {
			continue
		}
		if got, err := s.Delete(t.Context(), id); err != nil || got != count {
			t.Errorf("deleting the trace %s: %d, %v; want %d", short(fmt.Sprintf("%q", id)), got, err, count)
		}
		deleted[id] = true
	}
	var rest []osprofiler.Notification
	for _, n := range all {
		if !deleted[driver.Text(n.BaseID)] {
			rest = append(rest, n)
		}
	}
	var p problems
	traces := map[string][]osprofiler.Notification{}
	for _, n := range rest {
		id := driver.Text(n.BaseID)
		traces[id] = append(traces[id], n)
	}
	p.listing(t.Context(), s, traces)
	p.report(t, "listing after the deletion")
}

// problems are sentences about differences.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) report(t *testing.T, what string) {
	t.Helper()
	for i, problem := range *p {
		if i == mostProblems {
			break
		}
		t.Errorf("%s: %s", what, problem)
	}
	if len(*p) > mostProblems {
		t.Errorf("%s: %d problems", what, len(*p))
	}
}

// trace compares a trace with its notifications.
func (p *problems) trace(ctx context.Context, s *store.Store, id string, want []osprofiler.Notification) {
	var got []osprofiler.Notification
	err := patiently(func() error {
		got = nil
		for n, err := range s.Notifications(ctx, id) {
			if err != nil {
				return err
			}
			got = append(got, n)
		}
		return nil
	})
	switch missing, extra := compare(got, want); {
	case err != nil:
		p.add("the trace %s: %v", short(fmt.Sprintf("%q", id)), err)
	case len(missing)+len(extra) > 0:
		p.add("the trace %s has %d notifications, want %d; it should have\n%s\nit has instead\n%s",
			short(fmt.Sprintf("%q", id)), len(got), len(want), firstOf(missing), firstOf(extra))
	}
}

// compare returns the notifications that are missing in got, and those that are in got
// instead. Two notifications are equal if their JSON values are equal. The texts of the
// JSON may differ, for example in the order of members.
func compare(got, want []osprofiler.Notification) (missing, extra []osprofiler.Notification) {
	texts := map[string]int{}
	for _, n := range got {
		texts[n.JSON()]++
	}
	for _, n := range want {
		if text := n.JSON(); texts[text] > 0 {
			texts[text]--
		} else {
			missing = append(missing, n)
		}
	}
	for _, n := range got {
		text := n.JSON()
		if texts[text] == 0 {
			continue
		}
		texts[text]--
		if i := slices.IndexFunc(missing, n.Equal); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		} else {
			extra = append(extra, n)
		}
	}
	return missing, extra
}

func firstOf(all []osprofiler.Notification) string {
	if len(all) == 0 {
		return "nothing"
	}
	return short(all[0].JSON())
}

// listing compares the listing with the summaries of the notifications.
func (p *problems) listing(ctx context.Context, s *store.Store, traces map[string][]osprofiler.Notification) {
	listed := map[string]bool{}
	for got, err := range s.Traces(ctx, store.Query{}) {
		if err != nil {
			p.add("%v", err)
			return
		}
		all, ok := traces[got.BaseID]
		if !ok || listed[got.BaseID] {
			p.add("the trace %s is listed twice, or was not written", short(fmt.Sprintf("%q", got.BaseID)))
			continue
		}
		listed[got.BaseID] = true
		if want := summary(all); got != want {
			p.add("the summary is\n%s\nwant\n%s", short(fmt.Sprintf("%+v", got)), short(fmt.Sprintf("%+v", want)))
		}
	}
	for id := range traces {
		if !listed[id] {
			p.add("the trace %s is not listed", short(fmt.Sprintf("%q", id)))
		}
	}
}

// summary returns the summary of the notifications of a trace.
func summary(all []osprofiler.Notification) store.Summary {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b osprofiler.Notification) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	var s driver.Summarizer
	for i := range all {
		s.Add(&all[i])
	}
	return s.Summary()
}

// short returns the beginning of a text.
func short(text string) string {
	if len(text) > shortText {
		return fmt.Sprintf("%s… (%d bytes)", text[:shortText], len(text))
	}
	return text
}
