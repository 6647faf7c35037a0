package backend

import (
	"container/heap"
	"crypto/sha256"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// First finds the first event among those of one trace, in any order. The zero
// First has met none.
type First struct {
	event

	Met bool
}

// Timestamp is the first event's.
func (f *First) Timestamp() string { return f.timestamp }

// Add takes an event's timestamp, which it may refer to afterwards.
func (f *First) Add(timestamp string) {
	if f.Met && timestamp == f.timestamp {
		return
	}
	e := event{timestamp: timestamp}
	e.at, _ = osprofiler.ParseTime(timestamp)
	if !f.Met || e.before(f.event) {
		f.event, f.Met = e, true
	}
}

// Get returns the first event of a trace.
func (f *Firsts) Get(baseID string) (timestamp string, ok bool) {
	e, ok := f.byID[baseID]
	return e.timestamp, ok
}

// A Listing makes a listing of traces that come one by one, perhaps several
// times. With a limit it holds no more than so many; without, some 40 bytes of
// each, to know it again.
type Listing struct {
	q      store.Query
	newest newest
	byID   map[string]*candidate
	listed map[[16]byte]struct{}
}

type candidate struct {
	event

	id string
	at int // in the heap
}

// NewListing returns a Listing for a query.
func NewListing(q store.Query) *Listing {
	return &Listing{q: q, byID: map[string]*candidate{}, listed: map[[16]byte]struct{}{}}
}

// Add takes a trace with its first event. Without a limit, ok says that it is
// to be listed now.
func (l *Listing) Add(baseID string, first First) (t store.Trace, ok bool) {
	if !l.q.Contains(first.at) {
		return t, false
	}
	if l.q.Limit <= 0 {
		sum := sum(baseID)
		if _, listed := l.listed[sum]; listed {
			return t, false
		}
		l.listed[sum] = struct{}{}
		return store.Trace{BaseID: baseID, Timestamp: first.timestamp}, true
	}
	if c := l.byID[baseID]; c != nil {
		if first.before(c.event) {
			c.event = first.event
			heap.Fix(&l.newest, c.at)
		}
		return t, false
	}
	c := &candidate{event: first.event, id: baseID}
	if len(l.newest) < l.q.Limit {
		l.keep(c)
	} else if l.newest[0].older(c) {
		delete(l.byID, heap.Pop(&l.newest).(*candidate).id)
		l.keep(c)
	}
	return t, false
}

// keep clones the texts, which may be parts of a whole notification.
func (l *Listing) keep(c *candidate) {
	c.id, c.timestamp = strings.Clone(c.id), strings.Clone(c.timestamp)
	l.byID[c.id] = c
	heap.Push(&l.newest, c)
}

// Newest returns what a limit has left, newest first, and empties the listing.
func (l *Listing) Newest() []store.Trace {
	traces := make([]store.Trace, len(l.newest))
	for i := len(traces) - 1; i >= 0; i-- {
		c := heap.Pop(&l.newest).(*candidate)
		traces[i] = store.Trace{BaseID: c.id, Timestamp: c.timestamp}
	}
	return traces
}

func sum(text string) [16]byte {
	sum := sha256.Sum256([]byte(text))
	return [16]byte(sum[:16])
}

// older tells whether c stands behind other in a listing, as in Firsts.Traces.
func (c *candidate) older(other *candidate) bool {
	if d := c.event.at.Compare(other.event.at); d != 0 {
		return d < 0
	}
	return c.id > other.id
}

// newest is a heap whose first is the oldest.
type newest []*candidate

func (h newest) Len() int           { return len(h) }
func (h newest) Less(i, j int) bool { return h[i].older(h[j]) }
func (h newest) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push and Pop implement heap.Interface.
func (h *newest) Push(x any) {
	c := x.(*candidate)
	c.at = len(*h)
	*h = append(*h, c)
}

// Pop implements heap.Interface.
func (h *newest) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
