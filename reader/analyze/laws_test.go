package analyze_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// checkLaws checks the laws that apply to every trace.
func checkLaws(t tester, r *reader.Report, a *analyze.Analysis) {
	t.Helper()
	checkPath(t, a)
	checkSelf(t, r, a)
	checkSums(t, a)
	for _, f := range a.Findings {
		if strings.ContainsAny(f.Text, "\n\x1b") || f.Text == "" || len(f.Ops) == 0 {
			t.Errorf("finding %+v", f)
		}
	}
	if d := analyze.Diff(r, r); len(d.Changes)+len(d.Calls) > 0 || d.Delta != 0 {
		t.Errorf("a trace differs from itself: %+v", d)
	}
	checkFolded(t, r, a)
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
}

// checkPath checks that the critical path covers the trace from its begin to its end,
// each time once, and that its operations ran at that time.
func checkPath(t tester, a *analyze.Analysis) {
	t.Helper()
	at, waiting := a.TraceBegin, analyze.Duration(0)
	for _, s := range a.CriticalPath.Segments {
		if s.Begin != at || s.End <= s.Begin {
			t.Errorf("the segment %+v does not follow %v", s, at)
		}
		at = s.End
		if s.Op == analyze.None {
			waiting += s.End - s.Begin
			continue
		}
		if a.Critical[s.Op] > a.Self[s.Op] {
			t.Errorf("operation %d was %v on the path and %v by itself", s.Op, a.Critical[s.Op], a.Self[s.Op])
		}
		if a.Begin[s.Op] > time.Duration(s.Begin) || a.End[s.Op] < time.Duration(s.End) {
			t.Errorf("the operation of %+v ran from %v to %v", s, a.Begin[s.Op], a.End[s.Op])
		}
	}
	if at != a.TraceEnd {
		t.Errorf("the path ends at %v, the trace at %v", at, a.TraceEnd)
	}
	if waiting != a.CriticalPath.Waiting {
		t.Errorf("waiting is %v, want %v", a.CriticalPath.Waiting, waiting)
	}
}

// checkSelf computes the self times again by counting each time between two events, and
// compares them. It also compares their sum with the time in which any operation ran.
func checkSelf(t tester, r *reader.Report, a *analyze.Analysis) {
	t.Helper()
	times := slices.Concat(a.Begin, a.End)
	slices.Sort(times)
	times = slices.Compact(times)
	parents := parentsOf(r)
	self := make([]time.Duration, a.Count)
	var busy, sum time.Duration
	isChain := true // whether at all times the running operations are one below the other
	for k := 1; k < len(times); k++ {
		from, to := times[k-1], times[k]
		runs := func(i int) bool { return a.Begin[i] <= from && to <= a.End[i] }
		hasChild := make([]bool, a.Count)
		deepest := 0
		for i := range a.Count {
			if p := parents[i]; runs(i) && p >= 0 {
				hasChild[p] = true
			}
		}
		for i := range a.Count {
			if runs(i) && !hasChild[i] {
				self[i] += to - from
				deepest++
			}
		}
		if deepest > 0 {
			busy += to - from
		}
		isChain = isChain && deepest <= 1
	}
	for i := range self {
		sum += a.Self[i]
	}
	if !slices.Equal(self, a.Self) {
		t.Errorf("the self times are\n%v, want\n%v", a.Self, self)
	}
	if sum < busy || isChain && sum != busy {
		t.Errorf("the self times sum up to %v, and something ran for %v", sum, busy)
	}
	gaps := analyze.Duration(0)
	for _, g := range a.Gaps {
		if g.Op == analyze.None {
			gaps += g.End - g.Begin
		}
	}
	if want := a.TraceEnd - a.TraceBegin - analyze.Duration(busy); len(a.Gaps) < 20 && gaps != want {
		t.Errorf("the gaps of the trace are %v, want %v", gaps, want)
	}
}

// checkSums checks that the parts add up to the whole.
func checkSums(t tester, a *analyze.Analysis) {
	t.Helper()
	var services, operations analyze.Sum
	add := func(to *analyze.Sum, s analyze.Sum) {
		*to = analyze.Sum{to.Count + s.Count, to.Failed + s.Failed, to.Incomplete + s.Incomplete, to.Total + s.Total, to.Self + s.Self, to.Critical + s.Critical}
	}
	for _, s := range a.Services {
		add(&services, s.Sum)
	}
	for _, s := range a.Operations {
		add(&operations, s.Sum)
	}
	if services != operations || services.Count != a.Count || services.Failed != a.Failed {
		t.Errorf("by service %+v, by operation %+v, in all %d", services, operations, a.Count)
	}
	if want := a.TraceEnd - a.TraceBegin - a.CriticalPath.Waiting; services.Critical != want {
		t.Errorf("the services are %v of the critical path, want %v", services.Critical, want)
	}
}

// checkFolded checks that the stacks can be parsed and contain all self time, up to a
// microsecond for each stack.
func checkFolded(t tester, r *reader.Report, a *analyze.Analysis) {
	t.Helper()
	var text strings.Builder
	if err := analyze.Folded(&text, r); err != nil {
		t.Fatal(err)
	}
	var sum, want int64
	for line := range strings.Lines(text.String()) {
		line = strings.TrimSuffix(line, "\n")
		at := strings.LastIndexByte(line, ' ')
		var us int64
		if _, err := fmt.Sscan(line[at+1:], &us); err != nil || at < 1 || line[at-1] == ' ' || us <= 0 {
			t.Errorf("line %q", line)
		}
		sum += us
	}
	for _, self := range a.Self {
		want += self.Microseconds()
	}
	if lost := want - sum; lost > int64(a.Count) || lost < -int64(a.Count) {
		t.Errorf("the stacks have %d µs, the operations %d µs", sum, want)
	}
}
