package table

import (
	"fmt"
	"slices"
	"strings"
)

// A gap is a set of ids at which a feed saw no row when it passed them: width ids
// from the first one on, and again width ids every step, until the last one.
// In a Galera cluster of three nodes ids step by 3 while one node writes, so that
// a gap with the width 2 and the step 3 stands for all ids between the rows.
//
// A transaction that was rolled back leaves such ids for good. One that is
// committed late fills them.
//
// A joined gap is made of several. It remembers how many rows there were from its
// first id to its last, and the sum of their distances from the first id. If both
// are still the same, no row was added. Both are -1 in a gap that is too wide to
// be counted.
type gap struct {
	from, to    int64 // first and last id, both included
	step, width int64 // equal in a gap without rows in between
	since       int64 // when it was passed, in periods
	joined      bool
	rows, sum   int64 // of a joined gap
}

const (
	// period is the unit of since, in seconds.
	period = 5 * 60
	// lateness is for how many periods a gap is read again.
	lateness = 12
	// behind is how many ids a gap may lie behind the largest id that was passed.
	// No transaction stays open while so many rows are inserted.
	behind = 1 << 18
	// feedGaps is how many gaps a feed has in memory, cursorGaps how many a cursor has.
	feedGaps, cursorGaps = 1024, 32
	// widestGap is the number of ids from which the rows in a gap are not counted.
	widestGap = 1 << 40
)

func (g *gap) holds(id int64) bool {
	return g.from <= id && id <= g.to && (id-g.from)%g.step < g.width
}

// last returns the first of the last width ids.
func (g *gap) last() int64 { return g.to - g.width + 1 }

// seen returns how many rows lie between the ids of the gap, and the sum of their
// distances from its first id.
func (g *gap) seen() (rows, sum int64) {
	if g.joined {
		return g.rows, g.sum
	}
	runs := (g.last() - g.from) / g.step // of rows, each of step - width
	each := g.step - g.width
	return runs * each, runs*series(g.width, g.step-1) + each*g.step*series(0, runs-1)
}

// series returns the sum of the numbers from one to another.
func series(from, to int64) int64 {
	if to < from {
		return 0
	}
	return (from + to) * (to - from + 1) / 2
}

// join makes one gap of two, with the rows in between.
func join(a, b *gap) gap {
	g := gap{from: a.from, to: b.to, since: max(a.since, b.since), joined: true}
	g.step, g.width = g.to-g.from+1, g.to-g.from+1
	rows, sum := b.seen()
	g.rows, g.sum = a.seen()
	if g.width >= widestGap || g.rows < 0 || rows < 0 {
		g.rows, g.sum = -1, -1
		return g
	}
	g.rows += rows + b.from - a.to - 1
	g.sum += sum + rows*(b.from-a.from) + series(a.to+1-a.from, b.from-1-a.from)
	return g
}

// condition is true of the rows in the gap.
func (g *gap) condition() string {
	between := fmt.Sprintf("id BETWEEN %d AND %d", g.from, g.to)
	if g.step == g.width {
		return between
	}
	return fmt.Sprintf("(%s AND (id - %d) %% %d < %d)", between, g.from, g.step, g.width)
}

// gaps are those of a position, in the order of their ids.
type gaps []gap

// condition is true of the rows in the gaps; it is empty if there are none.
func (all gaps) condition() string {
	conditions := make([]string, len(all))
	for i := range all {
		conditions[i] = all[i].condition()
	}
	if len(conditions) == 0 {
		return ""
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// add adds ids behind all others. The last gap goes on with them if they repeat
// its width and its step.
func (all gaps) add(from, to, now int64) gaps {
	width := to - from + 1
	if len(all) > 0 {
		last := &all[len(all)-1]
		repeats := last.width == width && last.since == now && !last.joined
		if repeats && last.step == last.width {
			last.step = from - last.from
		}
		if repeats && from-last.last() == last.step {
			last.to = to
			return all
		}
	}
	return append(all, gap{from: from, to: to, step: width, width: width, since: now}).bounded(feedGaps)
}

// without removes one id. A joined gap keeps it, until its rows are counted again.
func (all gaps) without(id int64) gaps {
	i := slices.IndexFunc(all, func(g gap) bool { return g.holds(id) })
	if i < 0 || all[i].joined {
		return all
	}
	g := all[i]
	first := id - (id-g.from)%g.step // of the width ids that id is one of
	var parts gaps
	part := func(from, to, step int64) {
		if from > to {
			return
		}
		p := gap{from: from, to: to, step: step, width: g.width, since: g.since}
		if to-from < g.width { // without rows in between
			p.step, p.width = to-from+1, to-from+1
		}
		parts = append(parts, p)
	}
	part(g.from, first-g.step+g.width-1, g.step)
	part(first, id-1, 0)
	part(id+1, first+g.width-1, 0)
	part(first+g.step, g.to, g.step)
	return slices.Replace(all, i, i+1, parts...).bounded(feedGaps)
}

// bounded joins gaps while there are more than so many: the two of the earliest
// period with the fewest rows in between.
func (all gaps) bounded(most int) gaps {
	for len(all) > most {
		best := -1
		for i := range len(all) - 1 {
			a, b := &all[i], &all[i+1]
			if a.since != b.since {
				continue
			}
			if best < 0 || a.since < all[best].since ||
				a.since == all[best].since && b.from-a.to < all[best+1].from-all[best].to {
				best = i
			}
		}
		best = max(best, 0) // of a cursor that somebody made up, all periods may differ
		all = slices.Replace(all, best, best+2, join(&all[best], &all[best+1]))
	}
	return all
}

// counted takes over what was counted in joined gaps.
func (all gaps) counted(counted gaps) gaps {
	for i := range all {
		for _, c := range counted {
			if all[i].joined && all[i].from == c.from && all[i].to == c.to {
				all[i] = c
			}
		}
	}
	return all
}

// recent leaves out the gaps that were passed too long ago, or that lie too far
// behind an id.
func (all gaps) recent(now, id int64) gaps {
	return slices.DeleteFunc(all, func(g gap) bool { return now-g.since > lateness || id-g.to > behind })
}

// below cuts off the gaps at an id. The rows in a gap that is cut are counted anew.
func (all gaps) below(id int64) gaps {
	all = slices.DeleteFunc(all, func(g gap) bool { return g.from >= id })
	for i := range all {
		g := &all[i]
		if g.to < id {
			continue
		}
		simple := !g.joined && g.step == g.width
		g.to = id - 1
		g.step, g.width = g.to-g.from+1, g.to-g.from+1
		if !simple {
			g.joined, g.rows, g.sum = true, 0, 0
		}
	}
	return all
}
