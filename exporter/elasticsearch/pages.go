package elasticsearch

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
)

// sequenceNumber is the field by which pages are ordered. Each shard numbers the
// documents as they are written, so that the order is nearly that of writing.
const sequenceNumber = "_seq_no"

// firstHits is how many documents the first page has, because the size of the
// documents is not known yet. Most traces have fewer.
const firstHits = 100

// mostHits is how many documents a page has at most, which is the default of
// index.max_result_window.
const mostHits = 10_000

func (c *cluster) pager() *paging.Pager {
	return &paging.Pager{First: min(firstHits, c.scrollSize), Most: min(mostHits, c.scrollSize)}
}

// A walk goes through the documents that a search finds. The sort of the search
// ends with the sequence number. Documents of different shards may have the same
// sequence number. So a page begins with the last sort values of the page before, and
// the walk leaves out the documents that it already had.
type walk struct {
	search

	step  int64             // 1 if sequence numbers ascend, -1 if they descend
	last  []json.RawMessage // the sort values of the last hit
	known map[string]bool   // the documents that have these values
}

// next moves the walk behind the hits of a page and returns those that are new.
func (w *walk) next(hits []hit) (fresh []hit) {
	for i := range hits {
		if !w.isLast(&hits[i]) || !w.known[hits[i].key()] {
			fresh = append(fresh, hits[i])
		}
	}
	if len(hits) == 0 {
		return nil
	}
	count := len(w.sort)
	last := &hits[len(hits)-1]
	if len(last.sort) < count {
		return fresh // these products do not answer like this
	}
	if !w.isLast(last) {
		w.last, w.known = last.sort[:count:count], map[string]bool{}
	}
	for i := len(hits) - 1; i >= 0 && w.isLast(&hits[i]); i-- {
		w.known[hits[i].key()] = true
	}
	before, _ := json.Marshal(number(string(w.last[count-1])) - w.step) // an integer
	w.after = append(slices.Clone(w.last[:count-1]), before)
	return fresh
}

// isLast reports whether a hit has the sort values of the last hit.
func (w *walk) isLast(h *hit) bool {
	if len(w.last) == 0 || len(h.sort) < len(w.last) {
		return false
	}
	for i, v := range w.last {
		if string(h.sort[i]) != string(v) {
			return false
		}
	}
	return true
}

// key returns the index and the id, which identify the document.
func (h *hit) key() string { return h.index + "/" + h.id }

// pages yields the documents that a search finds, in the order of their sequence
// numbers. The first page is read from the index as it is. Further pages are read in
// a point in time, or by a scroll where the server has no points in time. The point in
// time or the scroll is released at the end. A document that is written again
// meanwhile may be yielded twice. No document is missed. The pager learns how large
// the documents are.
func (c *cluster) pages(ctx context.Context, s search, pager *paging.Pager) iter.Seq2[[]hit, error] {
	s.sort = []object{ascending(sequenceNumber)}
	return func(yield func([]hit, error) bool) {
		w := &walk{search: s, step: 1}
		if more := c.page(ctx, w, pager, yield); !more {
			return
		}
		if w.view.isPoint() { // the caller's
			for c.page(ctx, w, pager, yield) {
			}
			return
		}
		view, release, err := c.snapshot(ctx, s.index)
		if err != nil {
			yield(nil, err)
			return
		}
		defer release()
		w.view = view
		if !view.isPoint() {
			c.scroll(ctx, w, pager, yield)
			return
		}
		for c.page(ctx, w, pager, yield) {
		}
	}
}

// page reads the next page of a walk and yields it. It returns whether there may
// be more.
func (c *cluster) page(ctx context.Context, w *walk, pager *paging.Pager, yield func([]hit, error) bool) (more bool) {
	w.size = min(pager.Next()+len(w.known), mostHits)
	a, err := c.search(ctx, &w.search)
	if err != nil {
		yield(nil, err)
		return false
	}
	pager.Add(len(a.hits), a.bytes)
	fresh := w.next(a.hits)
	if len(fresh) > 0 && !yield(fresh, nil) {
		return false
	}
	return len(a.hits) == w.size && len(fresh) > 0
}

// scroll reads the rest of a walk by a scroll. If the user has no right to it, the
// rest is read page by page of the index as it is. If the server gives the scroll up,
// because the caller took longer than es_scroll_time, another scroll continues behind the
// last document.
func (c *cluster) scroll(ctx context.Context, w *walk, pager *paging.Pager, yield func([]hit, error) bool) {
	for again := true; again; {
		again = c.scrollOnce(ctx, w, pager, yield)
	}
}

// scrollOnce reads one scroll. It returns whether the server gave it up.
func (c *cluster) scrollOnce(ctx context.Context, w *walk, pager *paging.Pager, yield func([]hit, error) bool) (gaveUp bool) {
	s := w.search
	s.after, s.size, s.inScroll = nil, pager.Next(), true
	if len(w.last) > 0 {
		s.query = allOf(s.query, object{"range": object{sequenceNumber: object{"gte": number(string(w.last[0]))}}})
	}
	// The end of the context does not end the request, because the server may then
	// keep a scroll of which we do not know.
	a, err := c.sendSearch(context.WithoutCancel(ctx), &s, url.Values{"allow_partial_search_results": {"false"}, "scroll": {c.scrollTime}})
	if err != nil && lacksFeature(err) {
		for c.page(ctx, w, pager, yield) {
		}
		return false
	}
	var id string
	defer func() {
		if id != "" {
			c.release(ctx, request{method: http.MethodDelete, path: path("_search", "scroll")}, object{"scroll_id": []string{id}})
		}
	}()
	for {
		switch {
		case err != nil && id != "" && isStatus(err, http.StatusNotFound):
			return true
		case err != nil:
			yield(nil, err)
			return false
		}
		id = a.scroll
		fresh := w.next(a.hits)
		if len(a.hits) == 0 || len(fresh) > 0 && !yield(fresh, nil) || id == "" {
			return false
		}
		body, _ := json.Marshal(object{"scroll": c.scrollTime, "scroll_id": id}) // of texts
		a, err = c.searchAnswer(ctx, request{method: http.MethodPost, path: path("_search", "scroll"), body: body})
	}
}
