package analyze_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// changesOf writes the changes: the kind, the place, the counts and the difference.
func changesOf(d *analyze.Difference) (all []string) {
	for _, c := range d.Changes {
		all = append(all, fmt.Sprintf("%s %s/%s %d+%d>%d+%d %s", c.Change, strings.Join(c.Under, "/"), c.Name, c.A.Count, c.A.Below, c.B.Count, c.B.Below, ms(c.Delta)))
	}
	return all
}

func TestDiff(t *testing.T) {
	a := report(t, "a 0 100\n  b 10 20 db=SELECT x FROM t WHERE id = 1\n  b 30 40 db=SELECT x FROM t WHERE id = 2\n  c 50 60\n    d 52 54\n  e 70 80 fail=E\n  f 81 82\n  f 83 84\ng 100 105")
	b := report(t, "a 0 150\n  b 10 25 db=SELECT x FROM t WHERE id = 3\n  b 30 45 db=SELECT x FROM t WHERE id = 4\n  b 46 47 db=SELECT x FROM t WHERE id = 5\n  e 70 80\n  f 81 83\n  h 90 130\n    i 95 105\n    i 110 120\n      j 111 112\ng 160 162")
	d := analyze.Diff(a, b)
	want := []string{
		"no longer fails s:a/e 1+0>1+0 0",
		"came s:a/h 0+0>1+3 40",
		"slower s:a/b 2+0>3+0 11",
		"went s:a/c 1+1>0+0 -10",
		"slower /a 1+0>1+0 9", // itself: 100-20-10-10-2 = 58, then 150-31-10-2-40 = 67
		"faster /g 1+0>1+0 -3",
		"changed s:a/f 2+0>1+0 0",
	}
	if got := changesOf(d); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if ms(d.Delta) != "57" || d.A.Count != 9 || d.A.Failed != 1 || d.B.Count != 11 || ms(d.A.Duration) != "105" {
		t.Errorf("%+v", d)
	}
	if c := d.Changes[2]; c.What != "SELECT x FROM t WHERE id = ***" || c.A.Op != 1 || ms(c.B.Total) != "31" || ms(c.B.Self) != "31" || c.Depth != 1 {
		t.Errorf("%+v", c)
	}
}

// A call that moved is compared wherever it is in the trees.
func TestDiffOfMovedCalls(t *testing.T) {
	a := report(t, "old 0 100\n  a 10 30 path=/a\n    b 12 16 call=f")
	b := report(t, "new 0 100\n  wrapper 5 95\n    a 10 40 path=/a\n      b 12 26 call=f\n      b 27 28 call=f")
	d := analyze.Diff(a, b)
	if got, want := changesOf(d), []string{"came /new 0+0>1+4 100", "went /old 1+2>0+0 -100"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	d.Changes = d.Calls
	want := []string{"went /old 1+0>0+0 -80", "came /wrapper 0+0>1+0 60", "slower /b 1+0>2+0 11", "came /new 0+0>1+0 10", "faster /a 1+0>1+0 -1"}
	if got := changesOf(d); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The first operation of a call is the first one in its trace.
func TestDiffNamesTheFirst(t *testing.T) {
	a := report(t, "x 0 10\n  f 1 2\ny 20 30\n  f 21 22")
	b := report(t, "y 0 10\n  f 1 3\nx 20 30\n  f 21 22")
	for _, c := range analyze.Diff(a, b).Calls {
		if c.Name == "f" && (c.A.Op != 1 || c.B.Op != 1 || c.B.Count != 2) {
			t.Errorf("%+v", c)
		}
	}
}

// Diff works if a whole trace came, and for traces without operations.
func TestDiffOfNothing(t *testing.T) {
	empty, some := report(t, ""), report(t, "a 0 10\n  b 1 2")
	if got := changesOf(analyze.Diff(empty, some)); !slices.Equal(got, []string{"came /a 0+0>1+1 10"}) {
		t.Error(got)
	}
	if got := changesOf(analyze.Diff(some, empty)); !slices.Equal(got, []string{"went /a 1+1>0+0 -10"}) {
		t.Error(got)
	}
	if d := analyze.Diff(empty, empty); len(d.Changes) != 0 || d.Changes == nil {
		t.Errorf("%+v", d)
	}
}
