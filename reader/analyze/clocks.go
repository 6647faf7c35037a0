package analyze

import (
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// setShifts corrects clocks that are so wrong that a child on another host is entirely
// outside of its parent. The child is moved to the middle of its parent. Everything on its
// host is moved with it, because one host has one clock.
func (t *trace) setShifts() {
	t.shift = make([]time.Duration, len(t.nodes))
	hosts := map[string]time.Duration{} // the corrections of clocks
	for i, n := range t.nodes {
		shift, isKnown := hosts[n.Host]
		p := t.parent[i]
		switch {
		case p == None:
		case n.Host == "" || n.Host == t.nodes[p].Host:
			shift = t.shift[p]
		default:
			delta := t.outside(n, t.nodes[p], shift-t.shift[p])
			if shift += delta; delta != 0 && !isKnown {
				hosts[n.Host] = shift
			}
		}
		t.shift[i] = shift
		if i == 0 && n.Host != "" {
			hosts[n.Host] = 0 // the other clocks are compared with that of the first operation
		}
	}
}

// outside returns by how much an operation is to be moved into the middle of its parent. It
// returns 0 unless the operation is entirely outside of its parent, fits into it, and cannot
// be a cast. shift is the known correction of its clock, relative to the clock of its parent.
func (t *trace) outside(n, parent *reader.Node, shift time.Duration) time.Duration {
	if !hasDuration(n) || !hasDuration(parent) {
		return 0
	}
	begin, end := bounded(bounded(n.Begin)+shift), bounded(bounded(n.End)+shift)
	from, to := bounded(parent.Begin), bounded(parent.End)
	if isEarly := end < from; end-begin > to-from || !isEarly && (begin <= to || mayBeCast(n)) {
		return 0
	}
	return from + (to-from-(end-begin))/2 - begin
}

// hasDuration reports whether the start and the stop of an operation are known and in this
// order.
func hasDuration(n *reader.Node) bool {
	return n.Timed && n.Incomplete == reader.Complete && n.End >= n.Begin
}

// mayBeCast reports whether the caller may not have waited for the operation, because it is
// an RPC or another function.
func mayBeCast(n *reader.Node) bool {
	if n.Name == "rpc" {
		return true
	}
	event, ok := n.Event(osprofiler.Start)
	if !ok {
		return false
	}
	_, isFunction := event.Info().Get("function")
	return isFunction
}

// A Skew is a lower bound of how far clocks disagree.
type Skew struct {
	// Count is the number of operations that stop before they start, that begin before
	// their parents on another host, or that were moved into their parents.
	Count int      `json:"count"`
	Max   Duration `json:"max_us"` // the largest difference that one of them shows
	Op    int      `json:"op"`     // the operation with that difference, or None
	// Moved is the number of operations whose times were corrected, including all others on
	// their hosts.
	Moved int `json:"moved"`

	kind skewKind // what Op shows
}

type skewKind uint8

const (
	beginsEarly skewKind = iota // the operation begins before its parent
	stopsEarly                  // the operation stops before its start
	isMoved                     // the operation was moved into its parent
)

// skew looks for times that are only possible if clocks disagree.
func (a *Analysis) skew() Skew {
	s := Skew{Op: None}
	for i := range a.trace.nodes {
		by, kind := a.skewOf(i)
		if a.Shift[i] != 0 {
			s.Moved++
		}
		if by <= 0 {
			continue
		}
		s.Count++
		if Duration(by) > s.Max {
			s.Max, s.Op, s.kind = Duration(by), i, kind
		}
	}
	return s
}

// skewOf returns by how much clocks disagree at least, according to the times of an
// operation.
func (a *Analysis) skewOf(i int) (by time.Duration, kind skewKind) {
	n := a.trace.nodes[i]
	p := a.trace.parent[i]
	if !n.Timed || n.Incomplete == reader.NoStart || n.Incomplete == reader.NoTime {
		return 0, 0
	}
	begin, end := bounded(n.Begin), bounded(n.End)
	if n.Incomplete == reader.Complete && end < begin {
		return begin - end, stopsEarly
	}
	if p == None {
		return 0, 0
	}
	above := a.trace.nodes[p]
	if n.Host == above.Host && n.Host != "" {
		return 0, 0 // one host has one clock
	}
	if a.Shift[i] != 0 && a.Shift[i] != a.Shift[p] {
		return max(bounded(above.Begin)-end, begin-bounded(above.End), 0), isMoved
	}
	if above.Timed && (hasDuration(above) || above.Incomplete == reader.NoStop) {
		return bounded(above.Begin) - begin, beginsEarly
	}
	return 0, 0
}
