package table

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/gaps"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// passed returns the position behind rows with these ids, all passed in the
// same period.
func passed(ids ...int64) *position {
	p := &position{}
	for _, id := range ids {
		p.pass(&Row{id: id}, true, 100)
	}
	return p
}

// text returns the gaps, written as from-to@since, from-to/step+width@since, or
// from-to=rows+sum@since.
func (p *position) text() string {
	var all []string
	for _, g := range p.gaps {
		text := fmt.Sprintf("%d-%d", g.From, g.To)
		switch {
		case g.Joined:
			text += fmt.Sprintf("=%d+%d", g.Rows, g.Sum)
		case g.Step != g.Width:
			text += fmt.Sprintf("/%d+%d", g.Step, g.Width)
		}
		all = append(all, text+fmt.Sprintf("@%d", g.Since))
	}
	return strings.Join(all, ",")
}

func TestGapsOfSteps(t *testing.T) {
	steps := func(from, to, step int64) (ids []int64) {
		for id := from; id <= to; id += step {
			ids = append(ids, id)
		}
		return ids
	}
	for _, c := range []struct {
		name string
		ids  []int64
		want string
	}{
		{"none", steps(1, 9, 1), ""},
		{"one", []int64{1, 2, 5, 6}, "3-4@100"},
		{"a table whose beginning was deleted", []int64{1000, 1001}, "1-999@100"},
		{"steps of 2", steps(1, 101, 2), "2-100/2+1@100"},
		{"steps of 3, the third node", steps(3, 300, 3), "1-299/3+2@100"},
		{"two of three nodes", []int64{1, 2, 4, 5, 7, 8, 10}, "3-9/3+1@100"},
		{"another node goes on", []int64{1, 4, 7, 10, 11, 14, 17}, "2-9/3+2@100,12-16/3+2@100"},
		{"a late row", []int64{1, 4, 7, 10, 5}, "2-3@100,6-6@100,8-9@100"},
		{"a late row amid many", append(steps(1, 31, 3), 15), "2-12/3+2@100,14-14@100,17-30/3+2@100"},
	} {
		if got := passed(c.ids...).text(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The number of gaps stays bounded even if a made-up cursor has gaps that are
// all of different periods.
func TestGapsOfManyPeriods(t *testing.T) {
	var all gaps.List
	for i := range int64(100) {
		all = append(all, gaps.Gap{From: 3*i + 1, To: 3*i + 1, Step: 1, Width: 1, Since: i + 1})
	}
	if got := len(all.Bounded(gaps.InCursor)); got != gaps.InCursor {
		t.Errorf("there are %d gaps", got)
	}
}

// Gaps are read again for an hour, and not longer.
func TestGapsEnd(t *testing.T) {
	p := passed(1, 3)
	if got := len(p.gaps.Recent(100+gaps.Lateness, 3)); got != 1 {
		t.Errorf("within the time there are %d gaps", got)
	}
	if got := len(p.gaps.Recent(101+gaps.Lateness, 3)); got != 0 {
		t.Errorf("after the time there are %d gaps", got)
	}
	if got := passed(1, 3, 3+gaps.Behind+1).text(); got != "4-262147@100" {
		t.Errorf("far behind there are the gaps %s", got)
	}
}

// Every id below the position has a row that was passed or lies in a gap, whatever
// the order of the rows. A joined gap records how many rows it contains. The cursor
// stays short, and can be parsed.
func TestGapsHoldWhatIsMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &position{}
		seen := map[int64]bool{}
		next, now := int64(0), int64(100)
		for range rapid.IntRange(1, 60).Draw(t, "rounds") {
			now = min(now+int64(rapid.IntRange(0, 1).Draw(t, "periods")), 100+gaps.Lateness)
			if late := missingOf(p, seen); len(late) > 0 && rapid.Bool().Draw(t, "late") {
				id := rapid.SampledFrom(late).Draw(t, "id")
				p.pass(&Row{id: id}, true, now)
				seen[id] = true
				p.gaps = p.gaps.Counted(countedIn(p.gaps, seen))
				continue
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				p = restarted(t, p)
			}
			step := int64(rapid.IntRange(1, 7).Draw(t, "step"))
			for range rapid.IntRange(1, 12).Draw(t, "rows") {
				next += step
				p.pass(&Row{id: next}, true, now)
				seen[next] = true
			}
		}
		missingOf(p, seen) // fails if an id is lost
		if counted := countedIn(p.gaps, seen); len(counted) > 0 && !slices.Equal(p.gaps, slices.Clone(p.gaps).Counted(counted)) {
			t.Fatalf("the joined gaps of %s should be %+v", p.text(), counted)
		}
		p = restarted(t, p)
		missingOf(p, seen)
		if len(p.gaps) > gaps.InCursor {
			t.Fatalf("there are %d gaps", len(p.gaps))
		}
	})
}

// restarted returns the position that results from parsing the cursor of
// another one.
func restarted(t *rapid.T, p *position) *position {
	if p.id() == 0 {
		return p
	}
	back, err := parsePosition(p.cursor())
	if err != nil || back.cursor() != p.cursor() {
		t.Fatalf("the cursor %q is read back as %q: %v", p.cursor(), back.cursor(), err)
	}
	return &back
}

// When rows are deleted at the end of the table, the position moves back to a
// mark near the remaining rows. Ids below that mark that had no row are still
// gaps.
func TestRewind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &position{}
		seen := map[int64]bool{}
		next := int64(0)
		for range rapid.IntRange(1, 300).Draw(t, "rows") {
			next += int64(rapid.SampledFrom([]int{1, 1, 1, 1, 2, 3}).Draw(t, "step"))
			p.pass(&Row{id: next}, true, 100)
			seen[next] = true
		}
		if len(p.marks) > mostMarks {
			t.Fatalf("there are %d marks", len(p.marks))
		}
		deleted := int64(rapid.IntRange(1, int(next)).Draw(t, "deleted"))
		for i, m := range p.marks {
			if i == 0 || m.id > next-deleted {
				continue
			}
			if back := next - m.id; back > 3*8*deleted+8 {
				t.Fatalf("%d ids were deleted, and the position moves back by %d: %v", deleted, back, p.marks)
			}
			p.rewind(i)
			missingOf(restarted(t, p), seen)
			break
		}
	})
}

// countedIn returns the joined gaps with their contents.
func countedIn(all gaps.List, seen map[int64]bool) (counted gaps.List) {
	for _, g := range all {
		if !g.Joined {
			continue
		}
		g.Rows, g.Sum = 0, 0
		for id := range seen {
			if g.From <= id && id <= g.To {
				g.Rows, g.Sum = g.Rows+1, g.Sum+id-g.From
			}
		}
		counted = append(counted, g)
	}
	return counted
}

// missingOf returns the ids below the position that had no row.
func missingOf(p *position, seen map[int64]bool) (missing []int64) {
	for id := int64(1); id < p.id(); id++ {
		if seen[id] {
			continue
		}
		if !slices.ContainsFunc(p.gaps, func(g gaps.Gap) bool { return g.Holds(id) }) {
			panic("an id is lost: " + string(p.cursor()))
		}
		missing = append(missing, id)
	}
	return missing
}

func FuzzParsePosition(f *testing.F) {
	for _, p := range []*position{
		passed(1, 4, 7, 10, 5), passed(1, 2, 3), passed(9, 1000, 1001, 1002, 1100),
		{marks: []mark{{9, 0}}, gaps: gaps.List{{From: 1, To: 2, Step: 2, Width: 2, Since: 3}, {From: 4, To: 4, Step: 1, Width: 1, Since: 5}}},
		{marks: []mark{{math.MaxInt64, 1}}, gaps: gaps.List{{From: 1, To: math.MaxInt64 - 1, Step: math.MaxInt64 - 1, Width: math.MaxInt64 - 1, Since: 1}}},
		{marks: []mark{{99, 0}}, gaps: gaps.List{{From: 1, To: 50, Step: 50, Width: 50, Since: 1, Joined: true, Rows: 20, Sum: 300}}},
		{marks: []mark{{-1, 0}}},
	} {
		f.Add(string(p.cursor()))
	}
	f.Add("sql2:9:00000000:1-2@3,4-4@5")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(driver.Cursor(text))
		if err != nil {
			return
		}
		if got := string(p.cursor()); got != text {
			t.Errorf("%q is read as %q", text, got)
		}
		p.pass(&Row{id: max(1, p.id()-1)}, true, 1)
		p.pass(&Row{id: p.id()}, true, 1)
	})
}
