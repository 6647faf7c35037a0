package table

import "container/heap"

// newestFirsts keeps the timestamps of the first events of the newest traces of a
// listing, as a heap with the earliest timestamp at its top. It serves a listing
// of failed traces that is ordered by first events. The walk goes through
// failures, from the newest to the oldest, and no first event is later than a
// failure of its trace.
type newestFirsts struct {
	limit      int // 0: no timestamp is kept
	timestamps []string
}

// add adds a trace that was yielded.
func (n *newestFirsts) add(timestamp string) {
	switch {
	case n.limit <= 0:
	case len(n.timestamps) < n.limit:
		heap.Push(n, timestamp)
	case n.timestamps[0] < timestamp:
		n.timestamps[0] = timestamp
		heap.Fix(n, 0)
	}
}

// areAllAfter reports whether the heap has limit traces that are newer than all
// traces whose failures are not after the timestamp.
func (n *newestFirsts) areAllAfter(timestamp string) bool {
	return n.limit > 0 && len(n.timestamps) == n.limit && timestamp < n.timestamps[0]
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (n *newestFirsts) Len() int           { return len(n.timestamps) }
func (n *newestFirsts) Less(i, j int) bool { return n.timestamps[i] < n.timestamps[j] }
func (n *newestFirsts) Swap(i, j int) {
	n.timestamps[i], n.timestamps[j] = n.timestamps[j], n.timestamps[i]
}

// Push implements heap.Interface.
func (n *newestFirsts) Push(timestamp any) { n.timestamps = append(n.timestamps, timestamp.(string)) }

// Pop implements heap.Interface. It is not used: timestamps are only replaced.
func (n *newestFirsts) Pop() any {
	last := n.timestamps[len(n.timestamps)-1]
	n.timestamps = n.timestamps[:len(n.timestamps)-1]
	return last
}
