package store

import (
	"container/heap"
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces yields one [Summary] for each trace that the query selects. With a limit it yields
// the newest traces, newest first, and traces of the same time in the order of their base ids.
// Without a limit, the order is the back end's. A trace without any time counts as the oldest.
// Traces does not hold the whole place in memory. Errors are as in [Store.Notifications].
//
// With [Query.RequestID], the infos of all traces that the rest of the query selects are
// searched, by the place itself if it can. A time window makes the search faster.
func (s *Store) Traces(ctx context.Context, q Query) iter.Seq2[Summary, error] {
	lister, ok := driver.As[driver.Lister](s.driver)
	all := func(ctx context.Context) iter.Seq2[Summary, error] {
		if !ok {
			return failing[Summary](s.unsupported("cannot list the traces of %s"))
		}
		if q.RequestID != "" {
			return uninterrupted(ctx, s.ofRequest(lister, q)(ctx))
		}
		return matching(uninterrupted(ctx, lister.Traces(ctx, q)), q)
	}
	if q.Limit <= 0 {
		return guard(ctx, s, all)
	}
	return guard(ctx, s, func(ctx context.Context) iter.Seq2[Summary, error] { return newest(all(ctx), q) })
}

// uninterrupted ends a sequence of the driver when the context is done, before each element.
// The Store may not pass all elements on.
func uninterrupted(ctx context.Context, all iter.Seq2[Summary, error]) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for t, err := range all {
			if wrong := ctx.Err(); wrong != nil {
				yield(Summary{}, wrong)
				return
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// matching drops the summaries that the query does not select.
func matching(all iter.Seq2[Summary, error], q Query) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for t, err := range all {
			wanted := err != nil || q.Matches(&t)
			if wanted && !yield(t, err) {
				return
			}
			if Ends(err) {
				return
			}
		}
	}
}

// newest yields the newest q.Limit of the summaries, newest first. It holds at most q.Limit
// summaries in memory.
func newest(all iter.Seq2[Summary, error], q Query) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		h := &oldestFirst{}
		for t, err := range all {
			if err == nil {
				h.add(row{t, q.Time(&t)}, q.Limit)
			} else if !yield(t, err) || Ends(err) {
				return
			}
		}
		for _, t := range h.newestFirst() {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// A row is a summary and the time by which it is ordered.
type row struct {
	Summary

	at time.Time
}

// isOlder reports whether a row comes after another one in a listing.
func (r *row) isOlder(other *row) bool {
	if c := r.at.Compare(other.at); c != 0 {
		return c < 0
	}
	return r.BaseID > other.BaseID
}

// oldestFirst is a heap of rows with the oldest one at its top.
type oldestFirst []row

// add adds a row, and removes the oldest one if there are more than the limit.
func (h *oldestFirst) add(r row, limit int) {
	switch {
	case len(*h) < limit:
		heap.Push(h, r)
	case (*h)[0].isOlder(&r):
		(*h)[0] = r
		heap.Fix(h, 0)
	}
}

// newestFirst empties the heap.
func (h *oldestFirst) newestFirst() []Summary {
	summaries := make([]Summary, len(*h))
	for i := len(summaries) - 1; i >= 0; i-- {
		summaries[i] = heap.Pop(h).(row).Summary
	}
	return summaries
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h oldestFirst) Len() int           { return len(h) }
func (h oldestFirst) Less(i, j int) bool { return h[i].isOlder(&h[j]) }
func (h oldestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *oldestFirst) Push(r any) { *h = append(*h, r.(row)) }

// Pop implements heap.Interface.
func (h *oldestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
