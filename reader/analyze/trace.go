package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// None is the index that stands for no operation, or for the trace itself.
const None = -1

// A trace holds the operations of a report in flat slices, in depth-first order.
type trace struct {
	report *reader.Report
	nodes  []*reader.Node
	parent []int32
	failed []bool

	shift      []time.Duration // the correction that is added to the times because the clock of the host is wrong
	begin, end []time.Duration // the intervals
	last       []time.Duration // the last end of the operation and of all below it
	hasTime    []bool          // whether there is an interval

	// The children of operation i that have an interval are children[first[i+1]:first[i+2]],
	// sorted by their begin. The children of the trace itself (None) are
	// children[first[0]:first[1]].
	first    []int32
	children []int32

	from, to time.Duration // the begin and the end of the trace
	exact    bool
}

// longest bounds times, so that no difference of two times overflows.
const longest = time.Duration(1) << 61

func newTrace(r *reader.Report) *trace {
	t := &trace{report: r, exact: true}
	var open []int32 // the ancestors of the next operation
	for depth, n := range r.Nodes() {
		open = open[:depth]
		parent := int32(None)
		if depth > 0 {
			parent = open[depth-1]
		}
		open = append(open, int32(len(t.nodes)))
		t.nodes = append(t.nodes, n)
		t.parent = append(t.parent, parent)
		t.failed = append(t.failed, describe.Failed(n))
		t.exact = t.exact && (n.Exact || !n.Timed)
	}
	t.setShifts()
	t.setIntervals()
	t.setChildren()
	return t
}

// reported returns the duration of the trace according to its report, as the text view shows
// it: the time of the last event. ok is false if the report does not have it.
func (t *trace) reported() (d time.Duration, ok bool) {
	if t.report.Finished == nil {
		return 0, false
	}
	for _, n := range t.nodes {
		d = max(d, bounded(n.Begin), bounded(n.End))
	}
	if ms := *t.report.Finished; d.Milliseconds() != ms {
		most := longest.Milliseconds() - 1
		d = time.Duration(min(max(ms, 0), most)) * time.Millisecond
	}
	return d, true
}

// setIntervals sets the intervals from the lowest operations to the highest. It goes through
// the indexes backwards, because children have higher indexes than their parents.
func (t *trace) setIntervals() {
	count := len(t.nodes)
	t.begin, t.end, t.last = make([]time.Duration, count), make([]time.Duration, count), make([]time.Duration, count)
	t.hasTime = make([]bool, count)
	belowBegin, belowEnd := make([]time.Duration, count), make([]time.Duration, count)
	for i := range belowBegin {
		belowBegin[i], belowEnd[i] = longest, -longest // the values without children
	}
	for i := count - 1; i >= 0; i-- {
		t.setInterval(i, belowBegin[i], belowEnd[i])
		if p := t.parent[i]; p != None && t.hasTime[i] {
			belowBegin[p] = min(belowBegin[p], t.begin[i])
			belowEnd[p] = max(belowEnd[p], t.last[i])
		}
	}
	t.setLimits()
}

// setLimits sets the begin and the end of the trace, and cuts off the intervals there. If
// clocks were corrected, the trace ends with the last interval.
func (t *trace) setLimits() {
	t.from, t.to = longest, -longest
	isShifted := false
	for i := range t.nodes {
		isShifted = isShifted || t.shift[i] != 0
		if t.hasTime[i] {
			t.from, t.to = min(t.from, t.begin[i]), max(t.to, t.end[i])
		}
	}
	if t.from > t.to {
		t.from, t.to = 0, 0
	}
	if d, ok := t.reported(); ok {
		t.from = 0
		if t.to = max(t.to, 0); !isShifted || t.to > d {
			t.to = d
		}
	}
	for i := range t.nodes {
		t.begin[i], t.end[i], t.last[i] = t.within(t.begin[i]), t.within(t.end[i]), t.within(t.last[i])
	}
}

// within returns the time nearest to at within the trace.
func (t *trace) within(at time.Duration) time.Duration { return min(max(at, t.from), t.to) }

// setInterval sets the interval of an operation, given the first begin and the last
// end of the operations below it.
func (t *trace) setInterval(i int, belowBegin, belowEnd time.Duration) {
	n := t.nodes[i]
	begin, end := bounded(bounded(n.Begin)+t.shift[i]), bounded(bounded(n.End)+t.shift[i])
	switch {
	case !n.Timed:
		begin, end = belowBegin, belowEnd
	case n.Incomplete == reader.NoStart:
		begin = min(end, belowBegin)
	case n.Incomplete == reader.NoStop, n.Incomplete == reader.Complete && end < begin:
		end = max(begin, belowEnd)
	case n.Incomplete != reader.Complete:
		begin, end = min(begin, belowBegin), max(end, belowEnd)
	}
	if begin > end {
		return // no time is known
	}
	t.hasTime[i] = true
	t.begin[i], t.end[i], t.last[i] = begin, end, max(end, belowEnd)
}

func bounded(d time.Duration) time.Duration { return min(max(d, -longest+1), longest-1) }

// setChildren lists the children with an interval, sorted by their begin.
func (t *trace) setChildren() {
	t.first = make([]int32, len(t.nodes)+2)
	for i, p := range t.parent {
		if t.hasTime[i] {
			t.first[p+2]++
		}
	}
	for i := range t.first[1:] {
		t.first[i+1] += t.first[i]
	}
	t.children = make([]int32, t.first[len(t.first)-1])
	next := slices.Clone(t.first)
	for i, p := range t.parent {
		if t.hasTime[i] {
			t.children[next[p+1]] = int32(i)
			next[p+1]++
		}
	}
	byBegin := func(a, b int32) int { return cmp.Or(cmp.Compare(t.begin[a], t.begin[b]), cmp.Compare(a, b)) }
	for i := int32(None); int(i) < len(t.nodes); i++ {
		if all := t.childrenOf(i); !slices.IsSortedFunc(all, byBegin) {
			slices.SortFunc(all, byBegin)
		}
	}
}

// childrenOf returns the children of an operation that have an interval, by their begin.
func (t *trace) childrenOf(i int32) []int32 { return t.children[t.first[i+1]:t.first[i+2]] }

// duration returns how long an operation took. It is not known if the operation is
// incomplete or stops before it starts.
func (t *trace) duration(i int32) (d time.Duration, ok bool) {
	n := t.nodes[i]
	if _, complete := n.Duration(); !complete || n.End < n.Begin {
		return 0, false
	}
	return bounded(n.End) - bounded(n.Begin), true
}

// total returns how long the trace took.
func (t *trace) total() time.Duration { return t.to - t.from }
