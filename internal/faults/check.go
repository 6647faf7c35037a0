package faults

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Check reads everything back: each acknowledged span is there, listed with its
// trace, with both halves and as one whole operation of the report; none is
// twice in either.
func (r *Tally) Check(t *testing.T, s store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r.checkReasons(t)
	if len(r.acknowledged)+len(r.lost) != r.spans {
		t.Errorf("%d acknowledged and %d lost are not %d", len(r.acknowledged), len(r.lost), r.spans)
	}
	listed := map[string]int{}
	for entry, err := range s.Traces(ctx, store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		listed[entry.BaseID]++
	}
	there := 0
	var wrong []string
	for n := range r.spans / traceSpans {
		id := baseID(r.round, n)
		found := read(ctx, t, s, id)
		if listed[id] > 1 || listed[id] == 0 && len(found) > 0 {
			wrong = append(wrong, fmt.Sprintf("the trace %s is listed %d times", id, listed[id]))
		}
		whole, more := r.compare(n, found)
		there, wrong = there+whole, append(wrong, more...)
	}
	if len(wrong) > 0 {
		t.Errorf("%d are wrong, among them:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 5)], "\n"))
	}
	t.Logf("%d acknowledged, %d reported lost, %d there as a whole", len(r.acknowledged), len(r.lost), there)
}

// copies is how often something of a span is there.
type copies struct {
	starts, stops int // notifications
	nodes         int // of the report
	whole         int // of these, such as have a start, a stop, and nothing else
}

var once = copies{1, 1, 1, 1}

// read reads the notifications and the report of one trace, by the names of the spans.
func read(ctx context.Context, t *testing.T, s store.Store, baseID string) map[string]*copies {
	t.Helper()
	found := map[string]*copies{}
	of := func(name string) *copies {
		if found[name] == nil {
			found[name] = &copies{}
		}
		return found[name]
	}
	count := func(n osprofiler.Notification) {
		if n.Half() == osprofiler.Start {
			of(n.Operation()).starts++
		} else {
			of(n.Operation()).stops++
		}
	}
	report, err := reader.New(counting{s, count}).Report(ctx, baseID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range report.Nodes() {
		of(node.Name).nodes++
		if node.Incomplete == reader.Complete && len(node.Events) == 2 {
			of(node.Name).whole++
		}
	}
	return found
}

// counting counts the notifications of which a report is made.
type counting struct {
	store.Store
	count func(osprofiler.Notification)
}

// Notifications implements store.Store.
func (c counting) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for n, err := range c.Store.Notifications(ctx, baseID) {
			if err == nil {
				c.count(n)
			}
			if !yield(n, err) {
				return
			}
		}
	}
}

// compare compares the n-th trace with the tally. It tells how many of its
// spans are there as a whole, and what is wrong with others.
func (r *Tally) compare(n int, found map[string]*copies) (there int, wrong []string) {
	for i := n * traceSpans; i < (n+1)*traceSpans; i++ {
		name := spanName(i)
		got := found[name]
		delete(found, name)
		switch {
		case got == nil && r.acknowledged[i]:
			wrong = append(wrong, name+" was acknowledged, and is not there")
		case got == nil:
		case *got == once:
			there++
		case r.acknowledged[i] || max(got.starts, got.stops, got.nodes) > 1:
			wrong = append(wrong, fmt.Sprintf("%s, acknowledged %v, is there so often: %+v", name, r.acknowledged[i], *got))
		}
	}
	for name := range found {
		wrong = append(wrong, fmt.Sprintf("the trace %s has an operation %q of others", baseID(r.round, n), name))
	}
	return there, wrong
}
