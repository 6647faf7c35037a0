package analyze

import (
	"cmp"
	"slices"
	"time"
)

// A Gap is a time in which the trace does not show what happened.
type Gap struct {
	// Op ran in the gap, but none of its children did. Op is None for a gap of the trace.
	Op    int      `json:"op"`
	Begin Duration `json:"begin_us"`
	End   Duration `json:"end_us"`
	// Before is the operation that ended last before the gap. After is the operation that
	// began at the end of the gap. They are None at the begin and at the end of Op.
	Before int `json:"before"`
	After  int `json:"after"`
}

func (g Gap) length() time.Duration { return time.Duration(g.End) - time.Duration(g.Begin) }

// mostGaps is how many gaps of operations are listed at most, and how many gaps of the trace.
const mostGaps = 20

// selfTimes returns the self times of the operations, the longest gaps in them, and how
// many gaps there are.
func (t *trace) selfTimes() (self []time.Duration, gaps []Gap, count int) {
	self = make([]time.Duration, len(t.nodes))
	for i := range t.nodes {
		if !t.hasTime[i] {
			continue
		}
		children := t.childrenOf(int32(i))
		t.eachGap(children, t.begin[i], t.end[i], func(g Gap) {
			self[i] += g.length()
			if len(children) > 0 {
				g.Op = i
				gaps = append(gaps, g)
				count++
			}
		})
		if len(gaps) > 64*mostGaps {
			gaps = longestGaps(gaps)
		}
	}
	return self, longestGaps(gaps), count
}

// traceGaps returns the longest times in which no operation ran, and how many there are.
func (t *trace) traceGaps() (gaps []Gap, count int) {
	all := make([]int32, 0, len(t.nodes))
	for i := range t.nodes {
		if t.hasTime[i] {
			all = append(all, int32(i))
		}
	}
	slices.SortFunc(all, func(a, b int32) int { return cmp.Or(cmp.Compare(t.begin[a], t.begin[b]), cmp.Compare(a, b)) })
	t.eachGap(all, t.from, t.to, func(g Gap) { gaps = append(gaps, g) })
	return longestGaps(gaps), len(gaps)
}

// eachGap calls gap for each part of a time range in which none of the operations ran. The
// operations are in order of their begin.
func (t *trace) eachGap(operations []int32, from, to time.Duration, gap func(Gap)) {
	at, before := from, None // everything until at is covered
	for _, op := range operations {
		if begin := min(t.begin[op], to); begin > at {
			after := int(op)
			if t.begin[op] >= to {
				after = None
			}
			gap(Gap{None, Duration(at), Duration(begin), before, after})
			at = begin
		}
		if t.end[op] >= at && t.begin[op] < to && t.end[op] > from {
			at, before = min(t.end[op], to), int(op)
		}
	}
	if to > at {
		gap(Gap{None, Duration(at), Duration(to), before, None})
	}
}

// longestGaps returns the longest gaps, the longest first.
func longestGaps(gaps []Gap) []Gap {
	slices.SortStableFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(b.length(), a.length()), cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.Op, b.Op))
	})
	return gaps[:min(len(gaps), mostGaps)]
}
