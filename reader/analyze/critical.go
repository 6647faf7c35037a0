package analyze

import (
	"cmp"
	"slices"
	"time"
)

// A Segment is a part of the critical path.
type Segment struct {
	Op    int      `json:"op"` // None if no operation of the path ran
	Begin Duration `json:"begin_us"`
	End   Duration `json:"end_us"`
}

// A CriticalPath contains the operations that decided when the trace ended.
type CriticalPath struct {
	// Segments cover the trace from its begin to its end, in order of time.
	Segments []Segment `json:"segments"`
	// Operations are the operations of the segments with the longest sums, at most 100.
	Operations []CriticalOperation `json:"operations"`
	// OperationCount counts all operations of the segments.
	OperationCount int `json:"operation_count"`
	// Waiting is the time in which no operation of the path ran.
	Waiting Duration `json:"waiting_us"`
}

// A CriticalOperation is an operation on the critical path.
type CriticalOperation struct {
	Ref
	Time     Duration `json:"time_us"` // its self time on the path
	Share    float64  `json:"share"`   // Time as a part of the trace
	Segments int      `json:"segments"`
}

// A walk is an operation on the path whose children are still being visited.
type walk struct {
	op      int32
	from    time.Duration // the path in this operation does not go back before this time
	left    []int32       // the children that ended before the current time of the path; the last one to end comes first
	running []int32       // the children that ended later, and may have been running; the first one to end comes last
}

// criticalPath returns the segments of the critical path.
func (t *trace) criticalPath() []Segment {
	byEnd := slices.Clone(t.children)
	childrenByEnd := func(i int32) []int32 {
		all := byEnd[t.first[i+1]:t.first[i+2]]
		slices.SortFunc(all, func(a, b int32) int {
			return cmp.Or(cmp.Compare(t.last[b], t.last[a]), cmp.Compare(t.begin[b], t.begin[a]), cmp.Compare(b, a))
		})
		return all
	}
	var segments []Segment // in reverse order
	at := t.to             // the segments go back to this time
	open := []walk{{op: None, from: t.from, left: childrenByEnd(None)}}
	for len(open) > 0 {
		w := &open[len(open)-1]
		child := t.runningChild(w, at)
		if child == None {
			till := w.from
			if len(w.left) > 0 && at > w.from {
				till = max(till, t.last[w.left[0]])
			}
			segments = t.appendSegments(segments, w.op, till, at)
			if at = min(at, till); at <= w.from {
				open = open[:len(open)-1]
			}
			continue
		}
		open = append(open, walk{op: child, from: max(t.begin[child], w.from), left: childrenByEnd(child)})
	}
	slices.Reverse(segments)
	return segments
}

// runningChild returns the child that was running immediately before a time, or None. If
// several were running, it returns the one that ended first.
func (t *trace) runningChild(w *walk, at time.Duration) int32 {
	if at <= w.from {
		return None
	}
	for len(w.left) > 0 && t.last[w.left[0]] >= at {
		w.running = append(w.running, w.left[0])
		w.left = w.left[1:]
	}
	for len(w.running) > 0 {
		child := w.running[len(w.running)-1]
		w.running = w.running[:len(w.running)-1]
		if t.begin[child] < at {
			return child
		}
	}
	return None
}

// appendSegments appends the time of an operation itself between two times. The part after
// the operation's end is waiting.
func (t *trace) appendSegments(segments []Segment, op int32, from, to time.Duration) []Segment {
	end := from
	if op != None {
		end = min(max(t.end[op], from), to)
	}
	segments = appendSegment(segments, None, end, to)
	return appendSegment(segments, op, from, end)
}

// appendSegment appends a segment. If the last one is of the same operation, it extends that
// one instead. The segments are in reverse order.
func appendSegment(segments []Segment, op int32, from, to time.Duration) []Segment {
	if from >= to {
		return segments
	}
	if n := len(segments); n > 0 && segments[n-1].Op == int(op) {
		segments[n-1].Begin = Duration(from)
		return segments
	}
	return append(segments, Segment{int(op), Duration(from), Duration(to)})
}
