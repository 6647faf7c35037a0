package redis

import (
	"cmp"
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Traces implements store.Store. It goes through all keys in steps and reads
// all entries: which was the first event no place in a list tells, since a
// service may write a span's start after it stopped. Of the store it holds what
// is listed, one short entry for each trace in the legacy layout, and, without
// a limit, 16 bytes for each trace, to list it once.
func (s *Store) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return s.list(ctx, q, func(*osprofiler.Notification) bool { return true })
}

// ErrorTraces implements store.ErrorTracer, as Traces does; the records of
// failed traces, which not every service keeps, are not asked.
func (s *Store) ErrorTraces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return s.list(ctx, q, func(n *osprofiler.Notification) bool { return n.Info.Failed() })
}

func (s *Store) list(ctx context.Context, q store.Query, counts func(*osprofiler.Notification) bool) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		l := &lister{Store: s, counts: counts, listing: backend.NewListing(q), yield: yield}
		if s.legacy && !l.readLegacy(ctx) || !l.readLists(ctx) {
			return
		}
		for _, trace := range l.legacy.Traces(store.Query{}) {
			var first backend.First
			first.Add(trace.Timestamp)
			if !l.add(ctx, trace.BaseID, first) {
				return
			}
		}
		for _, trace := range l.listing.Newest() {
			if !l.say(ctx, trace) {
				return
			}
		}
	}
}

// A lister is one listing under way. Its methods return false when it is over.
type lister struct {
	*Store
	counts  func(*osprofiler.Notification) bool
	legacy  backend.Firsts
	listing *backend.Listing
	yield   func(store.Trace, error) bool
}

// readLegacy comes first, so that a trace in both layouts is known to be in
// both when its list is read.
func (l *lister) readLegacy(ctx context.Context) bool {
	for n, err := range l.legacyEntries(ctx, "") {
		if err != nil {
			if !l.yield(store.Trace{}, err) || store.Ends(err) {
				return false
			}
			continue
		}
		if l.counts(&n) {
			l.legacy.Add(backend.Text(n.BaseID), n.Timestamp)
		}
	}
	return true
}

func (l *lister) readLists(ctx context.Context) bool {
	var first backend.First
	key := ""
	for e, err := range l.allLists(ctx) {
		if err = cmp.Or(err, e.err); err != nil {
			if !l.yield(store.Trace{}, err) || store.Ends(err) {
				return false
			}
			continue
		}
		if e.key != key && !l.finish(ctx, key, &first) {
			return false
		}
		key = e.key
		if l.counts(&e.Notification) {
			first.Add(e.Timestamp)
		}
	}
	return l.finish(ctx, key, &first)
}

// finish ends one list; a trace that is in the legacy layout, too, is one.
func (l *lister) finish(ctx context.Context, key string, first *backend.First) bool {
	if key == "" {
		return true
	}
	id := key[len(listPrefix):]
	if timestamp, ok := l.legacy.Get(id); ok && first.Met {
		first.Add(timestamp)
		l.legacy.Add(id, first.Timestamp()) // met again below
	}
	whole := *first
	*first = backend.First{}
	return !whole.Met || l.add(ctx, id, whole)
}

func (l *lister) add(ctx context.Context, id string, first backend.First) bool {
	trace, now := l.listing.Add(id, first)
	return !now || l.say(ctx, trace)
}

func (l *lister) say(ctx context.Context, trace store.Trace) bool {
	if err := l.alive(ctx); err != nil {
		l.yield(store.Trace{}, err)
		return false
	}
	return l.yield(trace, nil)
}
