// Package gaps remembers the numbers at which a feed saw no entry when it passed them.
//
// With several concurrent writers, an entry may become visible after an entry with a
// larger number. Numbers may also step by more than one. So a feed looks again at the
// numbers without an entry that it passed within the last hour.
package gaps

import "slices"

// A Gap is a set of ids, all larger than 0, at which a feed saw no row when it passed them.
// The set consists of Width ids from the first id on, and again of Width ids every Step ids,
// until the last id. In a Galera cluster of three nodes ids step by 3 while one node
// writes, so that a gap with the width 2 and the step 3 stands for all ids between the rows.
//
// A transaction that was rolled back leaves such ids for good. A transaction that is
// committed late fills them.
//
// A joined gap is made of several gaps. It remembers how many rows there were from its
// first id to its last, and the sum of the rows' distances from the first id. If the number
// and the sum are still the same, no row was added. Both are -1 in a gap that is too wide
// to be counted.
type Gap struct {
	From, To    int64 // first and last id, both included
	Step, Width int64 // equal in a gap without rows in between
	Since       int64 // when the feed passed it, in periods
	Joined      bool
	Rows, Sum   int64 // of a joined gap
}

const (
	// Period is the unit of Since, in seconds.
	Period = 5 * 60
	// Lateness is the number of periods for which a gap is read again.
	Lateness = 12
	// Behind is the largest distance in ids of a gap from the largest id that was passed.
	// No transaction stays open while that number of rows is inserted.
	Behind = 1 << 18
	// InFeed is the largest number of gaps that a feed keeps in memory.
	InFeed = 1024
	// InCursor is the largest number of gaps in a cursor.
	InCursor = 32
	// widestGap is the number of ids from which on the rows in a gap are not counted.
	widestGap = 1 << 40
)

// Holds reports whether an id is in the gap.
func (g *Gap) Holds(id int64) bool {
	return g.From <= id && id <= g.To && (id-g.From)%g.Step < g.Width
}

// last returns the first of the last Width ids of the gap.
func (g *Gap) last() int64 { return g.To - g.Width + 1 }

// seen returns how many rows lie between the ids of the gap, and the sum of their
// distances from its first id.
func (g *Gap) seen() (rows, sum int64) {
	if g.Joined {
		return g.Rows, g.Sum
	}
	runs := (g.last() - g.From) / g.Step // runs of rows, each of Step - Width rows
	each := g.Step - g.Width
	return runs * each, runs*series(g.Width, g.Step-1) + each*g.Step*series(0, runs-1)
}

// series returns the sum of all whole numbers from from to to.
func series(from, to int64) int64 {
	if to < from {
		return 0
	}
	return (from + to) * (to - from + 1) / 2
}

// join returns one joined gap for two neighbours and the rows in between.
func join(a, b *Gap) Gap {
	g := Gap{From: a.From, To: b.To, Since: max(a.Since, b.Since), Joined: true}
	g.Step, g.Width = g.To-g.From+1, g.To-g.From+1
	rows, sum := b.seen()
	g.Rows, g.Sum = a.seen()
	if g.Width >= widestGap || g.Rows < 0 || rows < 0 {
		g.Rows, g.Sum = -1, -1
		return g
	}
	g.Rows += rows + b.From - a.To - 1
	g.Sum += sum + rows*(b.From-a.From) + series(a.To+1-a.From, b.From-1-a.From)
	return g
}

// A List holds the gaps of a feed's position, in the order of their ids.
type List []Gap

// Add adds the ids from from to to, which are larger than all others. It extends the last
// gap if the new ids repeat the width and the step of that gap.
func (all List) Add(from, to, now int64) List {
	width := to - from + 1
	if len(all) > 0 {
		last := &all[len(all)-1]
		repeats := last.Width == width && last.Since == now && !last.Joined
		if repeats && last.Step == last.Width {
			last.Step = from - last.From
		}
		if repeats && from-last.last() == last.Step {
			last.To = to
			return all
		}
	}
	return append(all, Gap{From: from, To: to, Step: width, Width: width, Since: now}).Bounded(InFeed)
}

// Without removes one id. A joined gap keeps the id until the rows of the gap are counted
// again.
func (all List) Without(id int64) List {
	i := slices.IndexFunc(all, func(g Gap) bool { return g.Holds(id) })
	if i < 0 || all[i].Joined {
		return all
	}
	g := all[i]
	first := id - (id-g.From)%g.Step // the first of the Width ids that include id
	var parts List
	part := func(from, to, step int64) {
		if from > to {
			return
		}
		p := Gap{From: from, To: to, Step: step, Width: g.Width, Since: g.Since}
		if to-from < g.Width { // without rows in between
			p.Step, p.Width = to-from+1, to-from+1
		}
		parts = append(parts, p)
	}
	part(g.From, first-g.Step+g.Width-1, g.Step)
	part(first, id-1, 0)
	part(id+1, first+g.Width-1, 0)
	part(first+g.Step, g.To, g.Step)
	return slices.Replace(all, i, i+1, parts...).Bounded(InFeed)
}

// Bounded joins gaps until there are no more than most. It joins two neighbours of the same
// period first, in the earliest period and with the fewest ids in between.
func (all List) Bounded(most int) List {
	for len(all) > most {
		best := -1
		for i := range len(all) - 1 {
			a, b := &all[i], &all[i+1]
			if a.Since != b.Since {
				continue
			}
			if best < 0 || a.Since < all[best].Since ||
				a.Since == all[best].Since && b.From-a.To < all[best+1].From-all[best].To {
				best = i
			}
		}
		best = max(best, 0) // all periods may differ in a forged cursor
		all = slices.Replace(all, best, best+2, join(&all[best], &all[best+1]))
	}
	return all
}

// Counted replaces each joined gap by the gap of counted that has the same first and last id.
func (all List) Counted(counted List) List {
	for i := range all {
		for _, c := range counted {
			if all[i].Joined && all[i].From == c.From && all[i].To == c.To {
				all[i] = c
			}
		}
	}
	return all
}

// Recent removes the gaps that the feed passed too long ago, and those that lie too far
// behind an id.
func (all List) Recent(now, id int64) List {
	return slices.DeleteFunc(all, func(g Gap) bool { return now-g.Since > Lateness || id-g.To > Behind })
}

// Below cuts off the gaps at an id. The rows in a gap that is cut are counted again.
func (all List) Below(id int64) List {
	all = slices.DeleteFunc(all, func(g Gap) bool { return g.From >= id })
	for i := range all {
		g := &all[i]
		if g.To < id {
			continue
		}
		simple := !g.Joined && g.Step == g.Width
		g.To = id - 1
		g.Step, g.Width = g.To-g.From+1, g.To-g.From+1
		if !simple {
			g.Joined, g.Rows, g.Sum = true, 0, 0
		}
	}
	return all
}

// WithoutSteps replaces each gap with a step by a joined gap, for a store that cannot be
// asked for every third id.
func (all List) WithoutSteps() List {
	for i := range all {
		g := &all[i]
		if g.Joined || g.Step == g.Width {
			continue
		}
		g.Rows, g.Sum = g.seen()
		g.Step, g.Width, g.Joined = g.To-g.From+1, g.To-g.From+1, true
	}
	return all
}
