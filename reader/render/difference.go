package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// leastDifference bounds the changes in the table: a difference of time has to be at least
// one hundredth of the longer trace.
const leastDifference = 100

// Difference writes for people how two traces differ: how long they took, and a table of the
// calls that became slower or faster, came or went. If some calls came and others went, a
// second table compares the calls wherever they are in the trees. Changes of less than a
// hundredth of the longer trace are only counted. The error is w's.
func Difference(w io.Writer, d *analyze.Difference, opts ...TextOption) error {
	t := newText(w, opts)
	t.traceLine("A", d.A)
	t.traceLine("B", d.B)
	t.print("")
	t.print(t.verdict(d))
	t.changes("change", d, d.Changes)
	if hasMoved(d) {
		t.changes("anywhere", d, d.Calls)
	}
	return t.Flush()
}

// hasMoved reports whether calls may have moved: some came and others went.
func hasMoved(d *analyze.Difference) bool {
	is := func(kind analyze.ChangeKind) func(analyze.Change) bool {
		return func(c analyze.Change) bool { return c.Change == kind }
	}
	return slices.ContainsFunc(d.Changes, is(analyze.Came)) && slices.ContainsFunc(d.Changes, is(analyze.Went))
}

// changes writes a table of the changes that matter, and how many others there are.
func (t *text) changes(head string, d *analyze.Difference, changes []analyze.Change) {
	least := max(d.A.Duration, d.B.Duration) / leastDifference
	var large []analyze.Change
	for _, c := range changes {
		if c.Delta >= least || c.Delta <= -least || c.A.Failed != c.B.Failed {
			large = append(large, c)
		}
	}
	if len(large) > 0 {
		t.print("")
		t.changeTable(head, firstOf(large), d.A.Exact && d.B.Exact)
	}
	if more := len(changes) - min(len(large), mostRows); more > 0 {
		t.print(t.paint(dim, fmt.Sprintf("and %s, which --json lists", counted(more, "other change", "other changes"))))
	}
}

// traceLine describes one of the traces.
func (t *text) traceLine(name string, d analyze.DiffTrace) {
	id := t.inASCII(safetext.Escape(d.BaseID))
	if id == "" {
		id = "(its base id is not known)"
	}
	parts := []piece{{t.cut(name+"  "+id, t.width), bold}}
	parts = append(parts, t.facts(d.Duration, d.Exact, d.Count, d.Failed, d.Incomplete)...)
	t.flow(parts, " · ")
}

// facts describes how long a trace took and how many operations it has.
func (t *text) facts(took analyze.Duration, exact bool, count, failed, incomplete int) []piece {
	parts := []piece{{t.time(took, exact), plain}, {counted(count, "operation", "operations"), plain}}
	if failed > 0 {
		parts = append(parts, piece{strconv.Itoa(failed) + " failed", red})
	}
	if incomplete > 0 {
		parts = append(parts, piece{strconv.Itoa(incomplete) + " incomplete", yellow})
	}
	return parts
}

// verdict writes which trace took longer.
func (t *text) verdict(d *analyze.Difference) string {
	exact := d.A.Exact && d.B.Exact
	switch {
	case len(d.Changes) == 0 && d.Delta == 0:
		return "The traces have the same calls with the same times."
	case d.Delta == 0:
		return "Both traces took the same time."
	case d.Delta > 0:
		return "B took " + t.time(d.Delta, exact) + " longer" + relative(d.Delta, d.A.Duration) + "."
	}
	return "B took " + t.time(-d.Delta, exact) + " less" + relative(-d.Delta, d.A.Duration) + "."
}

// relative writes a difference as a part of the duration of A.
func relative(d, of analyze.Duration) string {
	if of <= 0 {
		return ""
	}
	return " (" + percentOf(d, of) + ")"
}

// changeTable writes a table of changes. The times are those of the calls themselves. For
// calls that came or went, the times include all operations below them. The column "below"
// counts these operations.
func (t *text) changeTable(head string, changes []analyze.Change, exact bool) {
	rows := [][]string{{head, "call", "under", "calls", "failed", "below", "in A", "in B", "difference"}}
	for _, c := range changes {
		a, b := t.sideTime(c.A, exact), t.sideTime(c.B, exact)
		switch c.Change {
		case analyze.Came:
			b = t.time(c.Delta, exact)
		case analyze.Went:
			a = t.time(-c.Delta, exact)
		}
		call := t.call(c.Service, c.Name, c.What, c.Kind)
		under, below := "", ""
		if n := len(c.Under); n > 0 && t.width >= defaultWidth {
			under = t.clean(c.Under[n-1])
		}
		if t.width >= defaultWidth {
			below = zeroless(max(c.A.Below, c.B.Below))
		}
		rows = append(rows, []string{string(c.Change), call, under, t.counts(c.A.Count, c.B.Count), t.failed(c), below, a, b, t.signed(c.Delta, exact)})
	}
	t.table(rows, 3, 0, func(i int) paint { return changePaint(changes[i].Change) })
}

func changePaint(kind analyze.ChangeKind) paint {
	switch kind {
	case analyze.NowFails:
		return red
	case analyze.Slower, analyze.Came:
		return yellow
	case analyze.Faster, analyze.Went, analyze.NoLongerFail:
		return "32"
	}
	return plain
}

func (t *text) sideTime(s analyze.ChangeSide, exact bool) string {
	switch {
	case s.Count == 0:
		return ""
	case s.Self == 0:
		return "0"
	}
	return t.time(s.Self, exact)
}

// counts writes a number of A and one of B.
func (t *text) counts(a, b int) string {
	if a == b {
		return strconv.Itoa(a)
	}
	return t.inASCII(fmt.Sprintf("%d → %d", a, b))
}

// failed writes how many calls failed.
func (t *text) failed(c analyze.Change) string {
	if c.A.Failed == 0 && c.B.Failed == 0 {
		return ""
	}
	return t.counts(c.A.Failed, c.B.Failed)
}

func (t *text) signed(d analyze.Duration, exact bool) string {
	text := t.time(d, exact)
	if d == 0 {
		return "0"
	}
	if d > 0 {
		return "+" + strings.TrimPrefix(text, "<")
	}
	return text
}
