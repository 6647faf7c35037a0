package sql

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/store"
)

// passed returns the position behind rows with these ids, all in one period.
func passed(ids ...int64) *position {
	p := &position{}
	for _, id := range ids {
		p.pass(&row{id: id}, true, 100)
	}
	return p
}

func (p *position) text() string { return string(p.gaps.append(nil)) }

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

// Gaps are looked into again for an hour, and not for ever.
func TestGapsEnd(t *testing.T) {
	p := passed(1, 3)
	if got := len(p.gaps.recent(100+lateness, 3)); got != 1 {
		t.Errorf("within the time there are %d gaps", got)
	}
	if got := len(p.gaps.recent(101+lateness, 3)); got != 0 {
		t.Errorf("after the time there are %d gaps", got)
	}
	if got := passed(1, 3, 3+behind+1).text(); got != "4-262147@100" {
		t.Errorf("far behind there are the gaps %s", got)
	}
}

// Every id below the position has a row that was passed, or lies in a gap, whatever
// the order of the rows. A joined gap knows how many rows it has. The cursor stays
// short, and is read back.
func TestGapsHoldWhatIsMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &position{}
		seen := map[int64]bool{}
		next, now := int64(0), int64(100)
		for range rapid.IntRange(1, 60).Draw(t, "rounds") {
			now = min(now+int64(rapid.IntRange(0, 1).Draw(t, "periods")), 100+lateness)
			if late := missingOf(p, seen); len(late) > 0 && rapid.Bool().Draw(t, "late") {
				id := rapid.SampledFrom(late).Draw(t, "id")
				p.pass(&row{id: id}, true, now)
				seen[id] = true
				p.gaps = p.gaps.counted(countedIn(p.gaps, seen))
				continue
			}
			step := int64(rapid.IntRange(1, 7).Draw(t, "step"))
			for range rapid.IntRange(1, 12).Draw(t, "rows") {
				next += step
				p.pass(&row{id: next}, true, now)
				seen[next] = true
			}
		}
		missingOf(p, seen) // fails if one is lost
		if len(p.gaps) > mostGaps {
			t.Fatalf("there are %d gaps", len(p.gaps))
		}
		if counted := countedIn(p.gaps, seen); len(counted) > 0 && !slices.Equal(p.gaps, slices.Clone(p.gaps).counted(counted)) {
			t.Fatalf("the joined gaps of %s should be %+v", p.text(), counted)
		}
		back, err := parsePosition(p.cursor())
		if err != nil || back.cursor() != p.cursor() {
			t.Fatalf("the cursor %q is read back as %q: %v", p.cursor(), back.cursor(), err)
		}
	})
}

// countedIn returns the joined gaps with what is in them.
func countedIn(all gaps, seen map[int64]bool) (counted gaps) {
	for _, g := range all {
		if !g.joined {
			continue
		}
		g.rows, g.sum = 0, 0
		for id := range seen {
			if g.from <= id && id <= g.to {
				g.rows, g.sum = g.rows+1, g.sum+id-g.from
			}
		}
		counted = append(counted, g)
	}
	return counted
}

// missingOf returns the ids below the position at which there was no row.
func missingOf(p *position, seen map[int64]bool) (missing []int64) {
	for id := int64(1); id < p.id; id++ {
		if seen[id] {
			continue
		}
		if !slices.ContainsFunc(p.gaps, func(g gap) bool { return g.holds(id) }) {
			panic("an id is lost: " + string(p.cursor()))
		}
		missing = append(missing, id)
	}
	return missing
}

func FuzzParsePosition(f *testing.F) {
	f.Add(string(passed(1, 4, 7, 10, 5).cursor()))
	f.Add("sql2:9:00000000:1-2@3,4-4@5")
	f.Add("sql2:9:00000000:2-8/3+1@3")
	f.Add("sql2:9223372036854775807:00000000:1-9223372036854775806@1")
	f.Add("sql2:-1:00000000")
	f.Add("sql2:99:00000000:1-50=20+300@1,60-90=-1+-1@2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(store.Cursor(text))
		if err != nil {
			return
		}
		if got := string(p.cursor()); got != text {
			t.Errorf("%q is read as %q", text, got)
		}
		p.pass(&row{id: max(1, p.id-1)}, true, 1)
		p.pass(&row{id: p.id}, true, 1)
	})
}
