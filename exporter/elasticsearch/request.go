package elasticsearch

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// requestTraces is how many traces of a window of time one search reads. A server takes
// 1,024 words, of which an id that no field holds exactly has about five.
const requestTraces = 100

// TracesOfRequest implements driver.RequestFinder. It reads all documents once,
// because an index of this project does not index the members of an info, and an index
// of Python's driver does not index all of them. For a window of time, it reads only
// the documents of the traces in the window, with one search for many traces.
func (c *cluster) TracesOfRequest(ctx context.Context, q driver.Query) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		l, err := c.layout(ctx)
		if err != nil {
			yield("", err)
			return
		}
		if l.missing {
			return
		}
		if q.Since.IsZero() {
			c.findRequest(ctx, everything(), q.RequestID, yield)
			return
		}
		for ids, err := range driver.TracesInWindow(ctx, c, q, requestTraces) {
			if err != nil {
				if !yield("", err) || store.Ends(err) {
					return
				}
				continue
			}
			if !c.findRequest(ctx, l.inTraces(ids...), q.RequestID, yield) {
				return
			}
		}
	}
}

// findRequest yields the base ids of the documents of a query that mention the request.
func (c *cluster) findRequest(ctx context.Context, query object, requestID string, yield func(string, error) bool) (goOn bool) {
	s := search{index: c.events, query: query}
	pages := func(ctx context.Context) iter.Seq2[[]hit, error] { return c.pages(ctx, s, c.pager()) }
	for hits, err := range paging.Ahead(ctx, pages) {
		if err != nil {
			yield("", err)
			return false
		}
		for i := range hits {
			n, err := hits[i].notification("")
			if (err != nil || driver.MentionsRequest(n.Info, requestID)) && !yield(n.BaseID, err) {
				return false
			}
		}
	}
	return true
}
