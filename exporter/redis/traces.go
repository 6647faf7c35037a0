package redis

import (
	"context"
	"crypto/sha256"
	"iter"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces implements driver.Lister.
//
// The first event of a trace may be anywhere in its list, because a service may
// write the start of a span after the span has stopped. So a Summary needs all
// entries of a list. But a query with a limit or with Since does not read the
// lists of most traces: see [listing.readCandidates] in candidates.go.
//
// A trace may have both legacy keys and a list. So legacy keys are read first.
// A listing keeps in memory one Summary for each trace with legacy keys, the
// times of query.Limit traces, and 16 bytes for each list that was read,
// because a scan may yield a key twice.
func (d *database) Traces(ctx context.Context, query store.Query) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		l := &listing{
			database: d, query: query, yield: yield,
			newest: newestTimes{limit: query.Limit},
			read:   map[[16]byte]struct{}{}, legacy: map[string]*trace{},
		}
		if !l.readLegacy(ctx) {
			return
		}
		if query.ByFailure() || query.Limit <= 0 && query.Since.IsZero() {
			l.readAllLists(ctx)
		} else {
			l.readCandidates(ctx)
		}
		for _, t := range l.legacy {
			if !l.finish(t) {
				return
			}
		}
	}
}

// A listing is one call of Traces. Its methods return false when it is over.
type listing struct {
	*database

	query  store.Query
	yield  func(store.Summary, error) bool
	newest newestTimes
	read   map[[16]byte]struct{} // the keys of the lists that were read
	legacy map[string]*trace     // by base id
	own    trace                 // the trace of the list that is being read, unless that trace is in legacy
	over   bool
}

// A trace is a trace whose notifications are being read.
type trace struct {
	driver.Summarizer

	first osprofiler.Notification
}

// add adds a notification. It keeps the first notification if the query asks
// for it.
func (l *listing) add(t *trace, n *osprofiler.Notification) {
	if isFirst := t.Add(n); isFirst && l.query.First {
		t.first = *n
	}
}

// fail yields an error.
func (l *listing) fail(err error) bool {
	l.over = !l.yield(store.Summary{}, err) || store.Ends(err)
	return !l.over
}

// finish yields the Summary of a trace that was read, unless nothing of the
// trace could be read.
func (l *listing) finish(t *trace) bool {
	if l.over || t.Len() == 0 {
		return !l.over
	}
	summary := t.Summary()
	if l.query.First {
		first := t.first
		summary.First = &first
	}
	t.Reset()
	if l.query.Matches(&summary) {
		l.newest.add(summary.Time())
	}
	l.over = !l.yield(summary, nil)
	return !l.over
}

// readLegacy reads all legacy keys.
func (l *listing) readLegacy(ctx context.Context) bool {
	if !l.withLegacy || l.legacyIndex.none() {
		return true
	}
	seen := map[[16]byte]struct{}{}
	for keys, err := range l.legacyKeys(ctx) {
		if err != nil {
			return l.fail(err)
		}
		for n, err := range l.legacyValues(ctx, unseen(seen, keys)) {
			if err != nil {
				if !l.fail(err) {
					return false
				}
				continue
			}
			id := driver.Text(n.BaseID)
			if l.legacy[id] == nil {
				l.legacy[strings.Clone(id)] = &trace{}
			}
			l.add(l.legacy[id], &n.Notification)
		}
	}
	return true
}

// readAllLists reads the lists of all traces. While it works on one page, the
// next page is fetched.
func (l *listing) readAllLists(ctx context.Context) {
	pages := func(ctx context.Context) iter.Seq2[[]listPart, error] {
		return func(yield func([]listPart, error) bool) {
			var sizes sizer
			for keys, err := range l.scan(ctx, listPrefix) {
				if err != nil {
					yield(nil, err)
					return
				}
				for page, err := range l.wholeLists(ctx, &sizes, unseen(l.read, keys)) {
					if !yield(page, err) || err != nil {
						return
					}
				}
			}
		}
	}
	l.addPages(paging.Ahead(ctx, pages))
}

// addPages yields the Summaries of lists.
func (l *listing) addPages(pages iter.Seq2[[]listPart, error]) bool {
	for page, err := range pages {
		if err != nil {
			return l.fail(err)
		}
		for i := range page {
			if !l.addPart(&page[i]) {
				return false
			}
		}
	}
	return true
}

// addPart adds a part of a list to its trace. A trace that also has legacy keys
// is finished at the end.
func (l *listing) addPart(p *listPart) bool {
	t, isLegacy := l.legacy[p.key[len(listPrefix):]]
	if !isLegacy {
		t = &l.own
	}
	if p.err != nil { // the key may have held a list when the parts before were read
		l.own.Reset()
		return l.fail(damagedKey(p.key, p.err))
	}
	for i, text := range slices.Backward(p.entries) { // of events with equal times, the one written first is the first
		n, err := parseEntry(p.key, text, p.number(i))
		if err == nil {
			l.add(t, &n)
		} else if !l.fail(err) {
			return false
		}
	}
	return isLegacy || !p.last || l.finish(t)
}

// unseen returns the keys that are not in the set, and adds them to the set.
func unseen(set map[[16]byte]struct{}, keys []string) []string {
	return slices.DeleteFunc(keys, func(key string) bool {
		sum := sha256.Sum256([]byte(key))
		_, ok := set[[16]byte(sum[:16])]
		set[[16]byte(sum[:16])] = struct{}{}
		return ok
	})
}
