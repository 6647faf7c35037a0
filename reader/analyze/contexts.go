package analyze

import (
	"cmp"
	"slices"
	"time"
)

// A context holds the operations of one or two traces that have the same label and
// are below operations of the same context. Contexts are a tree.
type context struct {
	parent int32 // None at the top
	label  int32
	depth  int32
	sides  [2]side // one for each of the two traces
}

// A side sums up the operations of one trace in a context.
type side struct {
	count, failed, incomplete int
	total, self               time.Duration
	first                     int // the first operation, or None
}

// contexts is a tree of contexts. Parents have lower indexes than their children.
type contexts struct {
	labels *labeller
	all    []context
	index  map[[2]int32]int32 // the index of a context by its parent and its label
}

func newContexts() *contexts {
	return &contexts{labels: newLabeller(), index: map[[2]int32]int32{}}
}

// add adds the operations of one or two traces, each to its side.
func (c *contexts) add(traces ...*trace) {
	labels := c.labels.labelsOf(traces...)
	for side, t := range traces {
		c.addTrace(t, side, labels[side])
	}
}

func (c *contexts) addTrace(t *trace, sideIndex int, labels []int32) {
	self, _, _ := t.selfTimes()
	of := make([]int32, len(t.nodes)) // the context of each operation
	for i := range t.nodes {
		parent := int32(None)
		if p := t.parent[i]; p != None {
			parent = of[p]
		}
		of[i] = c.child(parent, labels[i])
		s := &c.all[of[i]].sides[sideIndex]
		if s.count == 0 {
			s.first = i
		}
		s.add(t, i, self[i])
	}
}

// child returns the context of a label below a parent.
func (c *contexts) child(parent, label int32) int32 {
	key := [2]int32{parent, label}
	i, ok := c.index[key]
	if !ok {
		i = int32(len(c.all))
		c.index[key] = i
		depth := int32(0)
		if parent != None {
			depth = c.all[parent].depth + 1
		}
		c.all = append(c.all, context{parent: parent, label: label, depth: depth, sides: [2]side{{first: None}, {first: None}}})
	}
	return i
}

func (s *side) add(t *trace, i int, self time.Duration) {
	s.count++
	if t.failed[i] {
		s.failed++
	}
	s.self = plus(s.self, self)
	if d, ok := t.duration(int32(i)); ok {
		s.total = plus(s.total, d)
	} else {
		s.incomplete++
	}
}

// merge adds the operations of another context.
func (s *side) merge(other side) {
	if other.first != None && (s.first == None || other.first < s.first) {
		s.first = other.first
	}
	s.count += other.count
	s.failed += other.failed
	s.incomplete += other.incomplete
	s.total, s.self = plus(s.total, other.total), plus(s.self, other.self)
}

// ranks orders the contexts by their depth, their ancestors and their labels. The order
// does not depend on the order in which they were added.
func (c *contexts) ranks() []int32 {
	labels := c.labels.ranks()
	order := make([]int32, len(c.all))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return cmp.Compare(c.all[x].depth, c.all[y].depth) })
	ranks := make([]int32, len(c.all))
	rankOf := func(i int32) int32 {
		if i == None {
			return None
		}
		return ranks[i]
	}
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && c.all[order[to]].depth == c.all[order[from]].depth {
			to++
		}
		slices.SortFunc(order[from:to], func(x, y int32) int {
			return cmp.Or(cmp.Compare(rankOf(c.all[x].parent), rankOf(c.all[y].parent)), cmp.Compare(labels[c.all[x].label], labels[c.all[y].label]))
		})
		for ; from < to; from++ {
			ranks[order[from]] = int32(from)
		}
	}
	return ranks
}
