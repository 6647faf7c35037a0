package python

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// report completes the operations and returns the report.
func (b *builder) report() (*reader.Report, error) {
	r := &reader.Report{BaseID: b.baseID, Python: true, Warnings: b.damage}
	if b.moreDamage > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("skipped %d more entries that cannot be read", b.moreDamage))
	}
	if b.number > 0 {
		r.Began = b.first
		r.Finished = new(milliseconds(b.first, b.last))
	}
	if b.hasStart {
		r.LastStarted = new(milliseconds(b.first, b.lastStart))
	}
	for _, op := range b.operations {
		op.setTimes(b.first)
	}
	r.Stats = b.stats()
	var err error
	r.Children, err = b.tree()
	if err != nil {
		return nil, err
	}
	return r, nil
}

// milliseconds returns the whole milliseconds from one time to another, by the
// floating-point steps of the library.
func milliseconds(from, to time.Time) int64 {
	sec, nsec := to.Unix()-from.Unix(), to.Nanosecond()-from.Nanosecond()
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	micro := float64(nsec/1000) + float64(float64(sec)*1e6)
	return int64(micro / 1000)
}

// stats sums up the operations by name. An unknown duration counts as 0, and a
// negative one is added too.
func (b *builder) stats() []reader.Stat {
	index := map[string]int{}
	var stats []reader.Stat
	for _, op := range b.operations {
		i, ok := index[op.node.Name]
		if !ok {
			i = len(stats)
			index[op.node.Name] = i
			stats = append(stats, reader.Stat{Name: op.node.Name})
		}
		s := &stats[i]
		s.Count++
		s.Duration += op.node.Finished - op.node.Started
		if op.node.Incomplete != reader.Complete {
			s.Incomplete++
		}
	}
	return stats
}

// tree appends the operations to the children of their parents, in order of their start in
// whole milliseconds, and returns the operations at the top. Cycles, and operations below
// cycles, cannot be reached from the top.
func (b *builder) tree() ([]*reader.Node, error) {
	for _, op := range b.operations {
		n := &op.node
		index, key, exception := b.keyOf(n.ParentID, op.parentID)
		if exception != "" {
			name := n.Name
			if n.TraceID != "" {
				name += " " + n.TraceID
			}
			return nil, &ExceptionError{Name: name, Exception: exception}
		}
		op.parent = index[key]
	}
	var top []*reader.Node
	slices.SortStableFunc(b.operations, func(x, y *operation) int { return cmp.Compare(x.node.Started, y.node.Started) })
	for _, op := range b.operations {
		if op.parent == nil {
			top = append(top, &op.node)
		} else {
			op.parent.node.Children = append(op.parent.node.Children, &op.node)
		}
	}
	return top, nil
}
