package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// Diff compares two traces by structure and label. It groups the operations of each trace
// that have the same label and whose ancestors have the same labels. It compares each group
// with the same group of the other trace: by the count, the failures, the sum of the
// durations and the sum of the self times. So a call that runs five times in A and eight
// times in B at the same place is one change.
//
// Time is compared as self time, so that a slow call does not make all operations above it
// slower, and the sum of all differences is the difference of the self times of the traces.
// The operations below those that came or went are not listed separately.
//
// A trace has no changes compared with itself. The result for B and A is the mirror image of
// the result for A and B.
func Diff(a, b *reader.Report) *Difference {
	traces := [2]*trace{newTrace(a), newTrace(b)}
	c := newContexts()
	c.add(traces[:]...)
	d := &Difference{Format: Format, A: traces[0].forDiff(), B: traces[1].forDiff(), Changes: []Change{}}
	d.Delta = d.B.Duration - d.A.Duration
	below, total := c.below()
	var contextOf []int32 // the context of each change
	for i := range c.all {
		x := &c.all[i]
		kind := x.change()
		isBelow := x.parent != None && (c.all[x.parent].change() == Came || c.all[x.parent].change() == Went)
		if kind == "" || isBelow {
			continue
		}
		change := c.newChange(i, kind)
		if kind == Came || kind == Went {
			change.A.Below, change.B.Below, change.Delta = below[i][0], below[i][1], Duration(total[i])
		}
		d.Changes = append(d.Changes, change)
		contextOf = append(contextOf, int32(i))
	}
	sortChanges(d.Changes, c.ranks(), contextOf)
	d.Calls = c.calls()
	return d
}

// calls returns the changes by label, regardless of the place in the trees.
func (c *contexts) calls() []Change {
	flat := &contexts{labels: c.labels, all: make([]context, len(c.labels.labels))}
	for i := range flat.all {
		flat.all[i] = context{parent: None, label: int32(i), sides: [2]side{{first: None}, {first: None}}}
	}
	for _, x := range c.all {
		for i, s := range x.sides {
			flat.all[x.label].sides[i].merge(s)
		}
	}
	calls := []Change{}
	var labels []int32 // the label of each call
	for i := range flat.all {
		if kind := flat.all[i].change(); kind != "" {
			calls = append(calls, flat.newChange(i, kind))
			labels = append(labels, int32(i))
		}
	}
	sortChanges(calls, c.labels.ranks(), labels)
	return calls
}

// sortChanges sorts changes: first those that fail in one trace only, then by the greatest
// difference of time, then by the rank of the context. The order does not depend on which
// trace is A.
func sortChanges(changes []Change, ranks, contextOf []int32) {
	order := make([]int, len(changes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(changes[x].place(), changes[y].place()), cmp.Compare(abs(changes[y].Delta), abs(changes[x].Delta)), cmp.Compare(ranks[contextOf[x]], ranks[contextOf[y]]))
	})
	sorted := make([]Change, len(changes))
	for i, from := range order {
		sorted[i] = changes[from]
	}
	copy(changes, sorted)
}

// place returns 0 for a change of failures and 1 for any other.
func (c Change) place() int {
	if c.Change == NowFails || c.Change == NoLongerFail {
		return 0
	}
	return 1
}

func abs(d Duration) Duration { return max(d, -d) }

func (t *trace) forDiff() DiffTrace {
	d := DiffTrace{BaseID: t.report.BaseID, Duration: Duration(t.total()), Exact: t.exact, Count: len(t.nodes)}
	for i, n := range t.nodes {
		if t.failed[i] {
			d.Failed++
		}
		if incomplete(n) {
			d.Incomplete++
		}
	}
	return d
}

// below returns for each context how many operations are below it on each side, and the
// self time of B minus that of A, with all below it.
func (c *contexts) below() (counts [][2]int, deltas []time.Duration) {
	counts, deltas = make([][2]int, len(c.all)), make([]time.Duration, len(c.all))
	for i := len(c.all) - 1; i >= 0; i-- {
		x := &c.all[i]
		deltas[i] = plus(deltas[i], x.delta())
		if p := x.parent; p != None {
			deltas[p] = plus(deltas[p], deltas[i])
			for side := range x.sides {
				counts[p][side] += counts[i][side] + x.sides[side].count
			}
		}
	}
	return counts, deltas
}

// delta returns the self time of B minus that of A.
func (x *context) delta() time.Duration { return plus(x.sides[1].self, -x.sides[0].self) }

// change returns the kind of the difference, or "" if there is none.
func (x *context) change() ChangeKind {
	a, b := x.sides[0], x.sides[1]
	switch {
	case a.count == 0:
		return Came
	case b.count == 0:
		return Went
	case b.failed > a.failed:
		return NowFails
	case b.failed < a.failed:
		return NoLongerFail
	case b.self > a.self:
		return Slower
	case b.self < a.self:
		return Faster
	}
	if a.first, b.first = 0, 0; a != b {
		return Changed
	}
	return ""
}

func (c *contexts) newChange(i int, kind ChangeKind) Change {
	x := &c.all[i]
	l := c.labels.labels[x.label]
	return Change{
		Change: kind, Project: l.project, Service: l.service, Name: l.name, Kind: l.kind, What: l.shortWhat(),
		Under: c.under(x.parent), Depth: int(x.depth), A: x.sides[0].forDiff(), B: x.sides[1].forDiff(), Delta: Duration(x.delta()),
	}
}

func (s side) forDiff() ChangeSide {
	return ChangeSide{s.count, s.failed, s.incomplete, Duration(s.total), Duration(s.self), 0, s.first}
}

// mostUnder is how many ancestors of a change are listed.
const mostUnder = 8

// under returns the nearest ancestors.
func (c *contexts) under(i int32) []string {
	names := []string{}
	for ; i != None && len(names) < mostUnder; i = c.all[i].parent {
		names = append(names, shortened(c.labels.labels[c.all[i].label].frame()))
	}
	slices.Reverse(names)
	return names
}

// frame names the label by the service, the name and the call.
func (l label) frame() string {
	text := l.name
	if l.service != "" {
		text = l.service + ":" + text
	}
	if l.what != "" {
		text += " " + l.what
	}
	return text
}
