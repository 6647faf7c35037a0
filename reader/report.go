package reader

import (
	"iter"
	"time"
)

// A Report is one trace as a tree of operations with their times. Finished,
// LastStarted and a Node's Started and Finished are whole milliseconds since the
// first event, rounded down, as in the Python library. A Node's Begin and End have
// the full precision.
type Report struct {
	// BaseID is the trace's base id. It is empty if it is not known: a saved
	// report of Python's SQL driver has none.
	BaseID string
	// Began is the time of the first event. It is zero if it is not known.
	Began time.Time
	// Finished is the time of the last event. LastStarted is the time of the
	// last event that is not a stop. A time is nil if there is no such event.
	Finished, LastStarted *int64
	// Children are the operations without a parent in the tree, by their start.
	Children []*Node
	// Stats sum up the operations by name, in order of first appearance.
	Stats []Stat
	// Warnings name the oddities in the data, one sentence each.
	Warnings []string
	// Python is true if the report is Python's answer (package reader/python). Its JSON then
	// has only keys that the Python library writes. ParseReport leaves it false, since a
	// saved report is written as it was read.
	Python bool

	saved    []member // the members of a saved report
	verbatim string   // the text of a saved report that the tree cannot represent, or empty
}

// A Stat sums up the operations of one name.
type Stat struct {
	Name     string
	Count    int64
	Duration int64 // the sum of the known durations, in milliseconds
	// Incomplete counts the operations whose duration is not known. In Python's
	// answer their duration counts as 0.
	Incomplete int64
}

// A member is one member of a JSON object. Its value is raw JSON.
type member struct{ key, raw string }

// Nodes yields all operations with their depth (0 at the top), each before
// its children, in the order of the tree. It is not recursive, so that the depth
// of the tree has no limit.
func (r *Report) Nodes() iter.Seq2[int, *Node] {
	return func(yield func(int, *Node) bool) {
		siblings := [][]*Node{r.Children} // the nodes still to yield, by depth
		for len(siblings) > 0 {
			depth := len(siblings) - 1
			if len(siblings[depth]) == 0 {
				siblings = siblings[:depth]
				continue
			}
			node := siblings[depth][0]
			siblings[depth] = siblings[depth][1:]
			if !yield(depth, node) {
				return
			}
			siblings = append(siblings, node.Children)
		}
	}
}
