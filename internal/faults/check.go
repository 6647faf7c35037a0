package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Check reads all traces back. Each acknowledged span must be in the listing (by
// its trace), have both halves (start and stop), and be one complete operation of
// the report. No trace, half or operation may occur twice.
func (r *Tally) Check(t *testing.T, s *store.Store) {
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
	complete := 0
	var problems []string
	for n := range r.spans / traceSpans {
		id := baseID(r.round, n)
		stored := read(ctx, t, s, id)
		if listed[id] > 1 || listed[id] == 0 && len(stored) > 0 {
			problems = append(problems, fmt.Sprintf("the trace %s is listed %d times", id, listed[id]))
		}
		r.noteStored(n, stored)
		ofTrace, more := r.compare(n, stored)
		complete, problems = complete+ofTrace, append(problems, more...)
	}
	if len(problems) > 0 {
		t.Errorf("%d problems, among them:\n%s", len(problems), strings.Join(problems[:min(len(problems), 5)], "\n"))
	}
	t.Logf("%d acknowledged, %d reported lost, %d completely stored", len(r.acknowledged), len(r.lost), complete)
}

// copies counts the notifications and report nodes of a span.
type copies struct {
	starts, stops int // notifications
	nodes         int // nodes of the report
	complete      int // nodes with a start, a stop, and nothing else
}

var once = copies{1, 1, 1, 1}

// read reads the notifications and the report of a trace. The result has the names
// of the spans as keys.
func read(ctx context.Context, t *testing.T, s *store.Store, baseID string) map[string]*copies {
	t.Helper()
	stored := map[string]*copies{}
	of := func(name string) *copies {
		if stored[name] == nil {
			stored[name] = &copies{}
		}
		return stored[name]
	}
	count := func(n osprofiler.Notification) {
		if n.Half() == osprofiler.Start {
			of(n.Operation()).starts++
		} else {
			of(n.Operation()).stops++
		}
	}
	for n, err := range s.Notifications(ctx, baseID) {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		count(n)
	}
	report, err := reader.New(s).Report(ctx, baseID)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range report.Nodes() {
		of(node.Name).nodes++
		if node.Incomplete == reader.Complete && len(node.Events) == 2 {
			of(node.Name).complete++
		}
	}
	return stored
}

// noteStored records in the history how often each span of the n-th trace was read.
func (r *Tally) noteStored(n int, stored map[string]*copies) {
	e := event{What: "stored", First: n * traceSpans, Copies: map[string]string{}}
	for i := n * traceSpans; i < (n+1)*traceSpans; i++ {
		if got := stored[spanName(i)]; got == nil {
			e.Copies[spanName(i)] = "none"
		} else if *got != once {
			e.Copies[spanName(i)] = fmt.Sprintf("%+v", *got)
		}
	}
	r.history.note(e)
}

// compare compares the n-th trace with the tally. It returns the number of spans
// that are completely stored, and a sentence for each problem.
func (r *Tally) compare(n int, stored map[string]*copies) (complete int, problems []string) {
	for i := n * traceSpans; i < (n+1)*traceSpans; i++ {
		name := spanName(i)
		got := stored[name]
		delete(stored, name)
		switch {
		case got == nil && r.acknowledged[i]:
			problems = append(problems, name+" was acknowledged, but is not stored")
		case got == nil:
		case *got == once:
			complete++
		case r.acknowledged[i] || max(got.starts, got.stops, got.nodes) > 1:
			problems = append(problems, fmt.Sprintf("%s (acknowledged: %v) is stored in this many copies: %+v", name, r.acknowledged[i], *got))
		}
	}
	for name := range stored {
		problems = append(problems, fmt.Sprintf("the trace %s has the operation %q of another trace", baseID(r.round, n), name))
	}
	return complete, problems
}
