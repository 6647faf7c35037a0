package analyze_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// pathOf writes the segments of the critical path: the name, the begin and the end in
// milliseconds. "." stands for waiting.
func pathOf(r *reader.Report, a *analyze.Analysis) string {
	var all []string
	for _, s := range a.CriticalPath.Segments {
		all = append(all, fmt.Sprintf("%s %s-%s", nameOf(r, s.Op), ms(s.Begin), ms(s.End)))
	}
	return strings.Join(all, ", ")
}

// The critical paths were worked out by hand, from the definition in the package's
// documentation.
func TestCriticalPath(t *testing.T) {
	for _, c := range []struct{ name, trace, want string }{
		{"nothing", "", ""},
		{"one operation", "a 0 10", "a 0-10"},
		{"an instant", "a 5 5", ""},
		{"children one after the other", "a 0 10\n  b 1 3\n  c 4 9", "a 0-1, b 1-3, a 3-4, c 4-9, a 9-10"},
		{"children that touch", "a 0 10\n  b 1 4\n  c 4 9", "a 0-1, b 1-4, c 4-9, a 9-10"},
		{"the longer of two at once", "a 0 10\n  b 1 9\n  c 1 5", "a 0-1, b 1-9, a 9-10"},
		{"two that end at once: the one that began first", "a 0 10\n  b 2 9\n  c 4 9", "a 0-2, b 2-9, a 9-10"},
		{"an overlap", "a 0 20\n  b 1 10\n  c 5 15", "a 0-1, b 1-5, c 5-15, a 15-20"},
		{"of two overlaps the one that ended first", "a 0 20\n  x 0 19\n  b 1 6\n  c 5 19.5", "x 0-1, b 1-5, c 5-19.5, a 19.5-20"},
		{"a long child beside others", "a 0 30\n  x 0 30\n  b 1 10\n  c 11 30", "x 0-30"},
		{"a fan-out, then one more", "a 0 100\n  b 10 40\n  c 11 60\n  d 12 30\n  e 61 90", "a 0-10, b 10-11, c 11-60, a 60-61, e 61-90, a 90-100"},
		{"levels", "a 0 100\n  b 10 90\n    c 20 50\n      d 30 40\n    e 60 80",
			"a 0-10, b 10-20, c 20-30, d 30-40, c 40-50, b 50-60, e 60-80, b 80-90, a 90-100"},
		{"several at the top", "a 0 1\nb 3 9\n  c 4 5", "a 0-1, . 1-3, b 3-4, c 4-5, b 5-9"},
		// A cast: the child continues after the call.
		{"a child that ends after its parent", "a 0 10\n  b 5 300", "a 0-5, b 5-300"},
		{"a child that begins after its parent ended", "a 0 10\n  b 50 300", "a 0-10, . 10-50, b 50-300"},
		{"a cast two levels down", "a 0 20\n  b 2 10\n    c 5 100\n  d 11 18", "a 0-2, b 2-5, c 5-100"},
		{"a child that begins before its parent", "a 0 100\n  b 50 90\n    c 40 80", "a 0-50, c 50-80, b 80-90, a 90-100"},
		{"a child that ended before its parent began", "a 0 100\n  b 50 90\n    c 10 40", "a 0-50, b 50-90, a 90-100"},
		{"a child without a duration", "a 0 10\n  b 5 5\n  c 6 8", "a 0-6, c 6-8, a 8-10"},
		{"without a stop", "a 0 10\n  b 2 -\n    c 3 6", "a 0-2, b 2-3, c 3-6, a 6-10"},
		{"without a start", "a 0 10\n  b - 8\n    c 3 6", "a 0-3, c 3-6, b 6-8, a 8-10"},
		{"without a stop and without children", "a 0 10\n  b 2 -\n  c 4 5", "a 0-4, c 4-5, a 5-10"},
		{"a root that hangs", "a 0 -\n  b 2 7", "a 0-2, b 2-7"},
		{"a negative duration", "a 0 10\n  b 6 2\n  c 7 9", "a 0-7, c 7-9, a 9-10"},
		{"a negative duration with children", "a 0 10\n  b 6 2\n    c 7 9", "a 0-6, b 6-7, c 7-9, a 9-10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := report(t, c.trace)
			if got := pathOf(r, analyze.Trace(r)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The sums of the critical path follow from its segments.
func TestCriticalSums(t *testing.T) {
	r := report(t, "a 0 100\n  b 10 90\n    c 20 50\n    c 60 80\nd 110 200")
	a := analyze.Trace(r)
	p := a.CriticalPath
	if p.Waiting != analyze.Duration(10e6) || len(p.Operations) != 5 {
		t.Fatalf("%+v", p)
	}
	first := p.Operations[0]
	if first.Name != "d" || ms(first.Time) != "90" || first.Share != 0.45 || first.Segments != 1 || first.ID != "t4" || first.Service != "s" {
		t.Errorf("%+v", first)
	}
	root, b := indexOf(t, r, "a"), indexOf(t, r, "b")
	if a.Critical[root] != 20e6 || a.CriticalBelow[root] != 100e6 || a.Critical[b] != 30e6 || a.CriticalBelow[b] != 80e6 {
		t.Errorf("critical %v, with all below %v", a.Critical, a.CriticalBelow)
	}
}
