package redis

import (
	"container/heap"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
)

// A candidate is a list that may have to be read.
type candidate struct {
	key      string
	notAfter time.Time // the first event of the trace is not later than notAfter; endOfTime if no such time is known
}

// endOfTime is later than any timestamp.
var endOfTime = time.Unix(1<<40, 0)

// readCandidates reads the lists of only those traces that can be among the
// requested traces. It asks for the oldest entry of each list, the entry that
// was written first, by LINDEX key -1.
//
// Let u be the time of that entry, and t the time of the first event of the
// trace. The first event is the earliest one of all, so t <= u, wherever the
// first event is in the list, and whether or not the trace has legacy keys, too.
// A trace is ruled out in two cases:
//
//   - u is before query.Since. Then t is, too.
//   - u is before m, and query.Limit traces that match the query were read whose
//     times are m or later. Then these are all newer than the trace, since t < m.
//     m only grows, so this remains true. Traces with t = m are not ruled out,
//     because their order depends on their base ids.
//
// All other lists are read whole, so that their times are exact. If the oldest
// entry cannot be read or has no time, there is no u, and the list is read. The
// list of a trace with legacy keys is read too, because the legacy keys alone
// would make a wrong Summary. A query for failed traces does not use
// readCandidates, because failed traces are ordered by their first failure,
// which may be later than u.
//
// The candidates wait until there are many. Then those with the latest u are
// read first. The scan yields keys in an order that is unrelated to time, so
// each such round rules out most of the waiting candidates and most of the later
// ones. If a trace that is ruled out has damaged entries, the listing does not
// report the damage.
func (l *listing) readCandidates(ctx context.Context) {
	var sizes sizer
	var waiting []candidate
	for step, err := range paging.Ahead(ctx, l.oldestEntries) {
		if err != nil {
			l.fail(err)
			return
		}
		for i, key := range step.keys {
			if c := l.candidate(key, step.entries[i]); !l.rulesOut(c) {
				waiting = append(waiting, c)
			}
		}
		for len(waiting)-maxWaiting > l.query.Limit || len(waiting) > 0 && l.query.Limit <= 0 {
			var ok bool
			if waiting, ok = l.readLatest(ctx, &sizes, waiting, max(l.query.Limit, minRound)); !ok {
				return
			}
		}
	}
	l.readLatest(ctx, &sizes, waiting, len(waiting))
}

const (
	// maxWaiting is how many more candidates than query.Limit wait at most.
	maxWaiting = 1000
	// minRound is how many candidates are read at once.
	minRound = 64
)

// candidate returns the candidate of a list whose oldest entry is oldest.
func (l *listing) candidate(key, oldest string) candidate {
	if _, isLegacy := l.legacy[key[len(listPrefix):]]; !isLegacy {
		if n, err := parseEntry(key, oldest, 1); err == nil {
			if at, err := n.Time(); err == nil && !at.IsZero() {
				return candidate{key, at}
			}
		}
	}
	return candidate{key, endOfTime}
}

// rulesOut reports whether a trace cannot be among the requested traces.
func (l *listing) rulesOut(c candidate) bool {
	return c.notAfter.Before(l.query.Since) || l.newest.areAllAfter(c.notAfter)
}

// readLatest reads up to count lists, starting with those of the latest times.
// It returns the candidates that are neither read nor ruled out. ok is false if
// the listing is over.
func (l *listing) readLatest(ctx context.Context, sizes *sizer, waiting []candidate, count int) (left []candidate, ok bool) {
	slices.SortFunc(waiting, func(a, b candidate) int { return b.notAfter.Compare(a.notAfter) })
	for count > 0 && len(waiting) > 0 && !l.rulesOut(waiting[0]) {
		group := waiting[:min(len(waiting), count, int(max(1, sizes.next()/sizes.perList())))]
		keys := make([]string, 0, len(group))
		for _, c := range group {
			if !l.rulesOut(c) {
				keys = append(keys, c.key)
			}
		}
		waiting, count = waiting[len(group):], count-len(group)
		if !l.addPages(l.wholeLists(ctx, sizes, unseen(l.read, keys))) {
			return nil, false
		}
	}
	return slices.DeleteFunc(waiting, l.rulesOut), true
}

// oldestEntries yields the oldest entries of all lists.
func (l *listing) oldestEntries(ctx context.Context) iter.Seq2[entryStep, error] {
	return l.entriesAt(ctx, -1)
}

// newestTimes keeps the times of the newest traces of a listing, as a heap with
// the earliest time at its top.
type newestTimes struct {
	limit int // 0: no time is kept
	times []time.Time
}

// add adds the time of a trace that was read and matches the query.
func (h *newestTimes) add(t time.Time) {
	switch {
	case h.limit <= 0:
	case len(h.times) < h.limit:
		heap.Push(h, t)
	case h.times[0].Before(t):
		h.times[0] = t
		heap.Fix(h, 0)
	}
}

// areAllAfter reports whether the heap has limit times and all of them are
// later than t.
func (h *newestTimes) areAllAfter(t time.Time) bool {
	return h.limit > 0 && len(h.times) == h.limit && t.Before(h.times[0])
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h *newestTimes) Len() int           { return len(h.times) }
func (h *newestTimes) Less(i, j int) bool { return h.times[i].Before(h.times[j]) }
func (h *newestTimes) Swap(i, j int)      { h.times[i], h.times[j] = h.times[j], h.times[i] }

// Push implements heap.Interface.
func (h *newestTimes) Push(t any) { h.times = append(h.times, t.(time.Time)) }

// Pop implements heap.Interface. It is not used: times are only replaced.
func (h *newestTimes) Pop() any {
	last := h.times[len(h.times)-1]
	h.times = h.times[:len(h.times)-1]
	return last
}
