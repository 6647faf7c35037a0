package reader

import (
	"cmp"
	"slices"
)

// linkOwn finds the parents, by the text of the ids. Whatever the ids say,
// every operation is reached from the top afterwards.
func (b *builder) linkOwn() {
	for _, op := range b.operations() {
		if op.node.ParentID == "" {
			continue
		}
		if parent, ok := b.strings[op.node.ParentID]; ok {
			op.parent = parent
		} else if op.node.ParentID != b.baseID {
			b.warn.note(orphan, op.node.label())
		}
	}
	b.breakCycles()
}

// breakCycles takes the parent from the operation of each cycle that started
// first. An operation has one parent at most, so walking up from anywhere
// either ends or comes round in the one cycle of that walk.
func (b *builder) breakCycles() {
	seen := make([]int32, b.count) // in which walk; 0: not yet
	for start := range b.count {
		walk := int32(start + 1)
		i := int32(start)
		for i != none && seen[i] == 0 {
			seen[i] = walk
			i = b.op(i).parent
		}
		if i != none && seen[i] == walk {
			op := b.op(b.firstOfCycle(i))
			op.parent = none
			b.warn.note(cycle, op.node.label())
		}
	}
}

// firstOfCycle returns which operation of the cycle through i started first;
// of equals the one with the lower trace_id, whatever order they came in.
func (b *builder) firstOfCycle(i int32) int32 {
	first := i
	for at := b.op(i).parent; at != i; at = b.op(at).parent {
		x, y := b.op(at), b.op(first)
		c := x.start().compare(y.start())
		if c < 0 || c == 0 && x.node.TraceID < y.node.TraceID {
			first = at
		}
	}
	return first
}

// tree hangs the operations under their parents, all in order of their start,
// and returns those at the top.
func (b *builder) tree() []*Node {
	children := make([]int32, b.count+1) // how many; the last is the top
	slot := func(op *operation) int32 {
		if op.parent == none {
			return int32(b.count)
		}
		return op.parent
	}
	for _, op := range b.operations() {
		children[slot(op)]++
	}
	room := make([]*Node, b.count)
	take := func(n int32) []*Node {
		piece := room[:0:n]
		room = room[n:]
		return piece
	}
	for i, op := range b.operations() {
		if children[i] > 0 {
			op.node.Children = take(children[i])
		}
	}
	top := take(children[b.count])
	for _, i := range b.byStart() {
		op := b.op(i)
		if op.parent == none {
			top = append(top, op.node)
		} else {
			under := b.op(op.parent).node
			under.Children = append(under.Children, op.node)
		}
	}
	return top
}

// byStart returns the indexes in order of the start, whose equals stay in
// order of first appearance: by whole milliseconds in upstream's answers, by
// the very time in ours.
func (b *builder) byStart() []int32 {
	order := make([]int32, b.count)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int {
		if b.upstream {
			return cmp.Compare(b.op(x).node.Started, b.op(y).node.Started)
		}
		return b.op(x).start().compare(b.op(y).start())
	})
	return order
}
