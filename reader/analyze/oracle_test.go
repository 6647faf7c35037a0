package analyze_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// An oracle computes the critical path in another way. It goes back over all times at which
// an operation begins or ends, and decides for each time between two of them which operation
// is on the path. It checks all children each time, and computes the intervals itself.
type oracle struct {
	begin, end, last []time.Duration
	known            []bool
	children         map[int][]int
	path             []frame // from the trace to the operation on the path
}

// A frame is an operation into which the path went.
type frame struct {
	op   int
	from time.Duration
}

// newOracle computes the intervals of the operations, from the lowest to the highest.
func newOracle(r *reader.Report) *oracle {
	var nodes []*reader.Node
	for _, n := range r.Nodes() {
		nodes = append(nodes, n)
	}
	parents := parentsOf(r)
	times := make([]time.Duration, len(nodes))
	o := &oracle{begin: slices.Clone(times), end: slices.Clone(times), last: slices.Clone(times), known: make([]bool, len(nodes)), children: map[int][]int{}}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		var begins, ends []time.Duration // of the operations below
		for _, child := range o.children[i] {
			begins, ends = append(begins, o.begin[child]), append(ends, o.last[child])
		}
		isNegative := n.Incomplete == reader.Complete && n.End < n.Begin
		below := ends
		if n.Timed {
			if n.Incomplete != reader.NoTime && (n.Incomplete != reader.NoStart) {
				begins = nil
			}
			if n.Incomplete != reader.NoTime && n.Incomplete != reader.NoStop && !isNegative {
				ends = nil
			}
			begins = append(begins, n.Begin)
			if ends = append(ends, n.End); isNegative {
				ends[len(ends)-1] = n.Begin
			}
		}
		if o.known[i] = len(begins) > 0; !o.known[i] {
			continue
		}
		o.begin[i], o.end[i] = slices.Min(begins), slices.Max(ends)
		o.last[i] = slices.Max(append(below, o.end[i]))
		o.children[parents[i]] = append(o.children[parents[i]], i)
	}
	return o
}

// segments returns the path, in order of time.
func (o *oracle) segments() []analyze.Segment {
	segments := []analyze.Segment{}
	times := []time.Duration{0}
	for i, known := range o.known {
		if known {
			times = append(times, o.begin[i], o.end[i])
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	o.path = []frame{{analyze.None, 0}}
	for i := len(times) - 1; i > 0; i-- {
		owner := o.ownerBefore(times[i])
		s := analyze.Segment{Op: owner, Begin: analyze.Duration(times[i-1]), End: analyze.Duration(times[i])}
		if n := len(segments); n > 0 && segments[n-1].Op == owner {
			segments[n-1].Begin = s.Begin
			continue
		}
		segments = append(segments, s)
	}
	slices.Reverse(segments)
	return segments
}

// ownerBefore returns the operation that is on the path immediately before a time.
func (o *oracle) ownerBefore(at time.Duration) int {
	for o.path[len(o.path)-1].from >= at { // leave operations that have not begun
		o.path = o.path[:len(o.path)-1]
	}
	for {
		top := o.path[len(o.path)-1]
		next := analyze.None
		for _, child := range o.children[top.op] {
			if o.begin[child] < at && at <= o.last[child] && o.isBetter(child, next) {
				next = child
			}
		}
		if next == analyze.None {
			break
		}
		o.path = append(o.path, frame{next, max(o.begin[next], top.from)})
	}
	top := o.path[len(o.path)-1]
	if top.op == analyze.None || o.end[top.op] < at {
		return analyze.None
	}
	return top.op
}

// isBetter reports whether a child is on the path instead of another one that also ran.
func (o *oracle) isBetter(child, other int) bool {
	if other == analyze.None || o.last[child] != o.last[other] {
		return other == analyze.None || o.last[child] < o.last[other]
	}
	return o.begin[child] < o.begin[other] || o.begin[child] == o.begin[other] && child < other
}

// parentsOf returns the index of each operation's parent.
func parentsOf(r *reader.Report) (parents []int) {
	var open []int
	for depth := range r.Nodes() {
		open = open[:depth]
		parent := analyze.None
		if depth > 0 {
			parent = open[depth-1]
		}
		open = append(open, len(parents))
		parents = append(parents, parent)
	}
	return parents
}

// The critical paths of real OpenStack traces are those that the oracle computes.
func TestCriticalPathOfRealTraces(t *testing.T) {
	traces := realTraces(t)
	if len(traces) < 9 {
		t.Fatalf("there are %d traces", len(traces))
	}
	for name, r := range traces {
		a := analyze.Trace(r)
		if want := newOracle(r).segments(); !slices.Equal(a.CriticalPath.Segments, want) {
			t.Errorf("%s: the path has %d segments, the oracle's has %d:\n%v\n%v", name, len(a.CriticalPath.Segments), len(want), a.CriticalPath.Segments, want)
		}
		checkLaws(t, r, a)
	}
}

// realTraces reads the ten OpenStack traces from reports that Python saved.
func realTraces(t *testing.T) map[string]*reader.Report {
	t.Helper()
	var files []string
	for _, folder := range []string{"../testdata", "../../internal/interop/testdata"} {
		found, err := filepath.Glob(filepath.Join(folder, "openstack", "*.report.json"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) != 10 {
		t.Fatalf("found %d traces: %q", len(files), files)
	}
	all := map[string]*reader.Report{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if all[filepath.Base(name)], err = reader.ParseReport(string(text)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}
