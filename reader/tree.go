package reader

import (
	"cmp"
	"slices"
)

// findParents finds the parents by the text of the ids. An operation whose
// parent is not in the trace is at the top.
func (b *builder) findParents() {
	siblingOf := int32(none) // the operation before the current one
	for i, op := range b.all() {
		parent := b.parentOf(op, siblingOf)
		op.parent = parent
		siblingOf = i
		if id := op.node.ParentID; parent == none && id != "" && id != b.baseID {
			b.warnings.add(orphan, op.node.label())
		}
	}
}

// parentOf returns the parent of an operation, or none. It looks into the index only if the
// parent is neither the probable one nor the parent of the operation before.
func (b *builder) parentOf(op *operation, before int32) int32 {
	id := op.node.ParentID
	if id == "" {
		return none
	}
	if p := op.parent; p != none && b.at(p).node.TraceID == id {
		return p
	}
	if before != none && b.at(before).node.ParentID == id {
		return b.at(before).parent
	}
	parent, _ := b.byTraceID.find(b.byTraceID.hash(id), func(i int32) bool { return b.at(i).node.TraceID == id })
	return parent
}

// breakCycles removes the parent of one operation in each cycle: of the one that started
// first. Every operation is then reachable from the top. An operation has at most one parent,
// so walking up from any operation either ends or returns to the one cycle of that walk.
func (b *builder) breakCycles() {
	walks := make([]int32, b.count) // the walk that visited the operation; 0: none yet
	for start := range b.count {
		walk := int32(start + 1)
		i := int32(start)
		for i != none && walks[i] == 0 {
			walks[i] = walk
			i = b.at(i).parent
		}
		if i != none && walks[i] == walk {
			op := b.at(b.firstOfCycle(i))
			op.parent = none
			b.warnings.add(cycle, op.node.label())
		}
	}
}

// firstOfCycle returns the operation that started first in the cycle through i. If several
// started at that time, it returns the one with the lowest trace_id.
func (b *builder) firstOfCycle(i int32) int32 {
	first := i
	for next := b.at(i).parent; next != i; next = b.at(next).parent {
		x, y := b.at(next), b.at(first)
		c := x.sortTime().compare(y.sortTime())
		if c < 0 || c == 0 && x.node.TraceID < y.node.TraceID {
			first = next
		}
	}
	return first
}

// tree appends the operations to the children of their parents, in order of
// their start, and returns the operations at the top.
func (b *builder) tree() []*Node {
	const top = 0 // the top, or the parent's index plus 1
	counts := make([]int32, b.count+1)
	for _, op := range b.all() {
		counts[op.parent+1]++
	}
	buffer := make([]*Node, b.count)
	take := func(n int32) []*Node {
		children := buffer[:0:n]
		buffer = buffer[n:]
		return children
	}
	nodes := take(counts[top])
	for i, op := range b.all() {
		if n := counts[i+1]; n > 0 {
			op.node.Children = take(n)
		}
	}
	for _, i := range b.byStart() {
		op := b.at(i)
		if op.parent == none {
			nodes = append(nodes, op.node)
		} else {
			parent := b.at(op.parent).node
			parent.Children = append(parent.Children, op.node)
		}
	}
	return nodes
}

// byStart returns the indexes of the operations in order of their start. The
// operations that start at the same time stay in order of first appearance.
func (b *builder) byStart() []int32 {
	type start struct {
		instant
		index int32
	}
	starts := make([]start, b.count)
	for i, op := range b.all() {
		starts[i] = start{op.sortTime(), i}
	}
	slices.SortFunc(starts, func(x, y start) int { // faster than a stable sort for operations in reverse order, as from Redis
		return cmp.Or(x.compare(y.instant), cmp.Compare(x.index, y.index))
	})
	order := make([]int32, len(starts))
	for i, s := range starts {
		order[i] = s.index
	}
	return order
}
