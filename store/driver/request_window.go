package driver

import (
	"context"
	"iter"
)

// TracesInWindow yields the base ids of the traces that the rest of a query with a RequestID
// selects, in slices of at most atOnce ids. A [RequestFinder] can then read these traces with
// few requests. Errors are as in [Lister]. An error follows the ids that came before it.
func TracesInWindow(ctx context.Context, l Lister, q Query, atOnce int) iter.Seq2[[]string, error] {
	q.RequestID, q.Limit, q.First = "", 0, false
	return func(yield func([]string, error) bool) {
		var ids []string
		flush := func() bool {
			some := ids
			ids = nil
			return len(some) == 0 || yield(some, nil)
		}
		for t, err := range l.Traces(ctx, q) {
			switch {
			case err != nil:
				if !flush() || !yield(nil, err) {
					return
				}
			case q.Matches(&t):
				if ids = append(ids, Text(t.BaseID)); len(ids) >= atOnce && !flush() {
					return
				}
			}
		}
		flush()
	}
}
