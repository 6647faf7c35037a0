package reader

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
