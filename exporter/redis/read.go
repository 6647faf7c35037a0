package redis

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

var errNoList, errNoString = errors.New("it should be a list"), errors.New("it should be a string")

// Notifications implements store.Store: first what stands under keys of the
// legacy layout, as upstream has it, then the trace's list; both the newest first.
func (s *Store) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		asked := backend.Text(baseID)
		var seen backend.Unique
		found := false
		for n, err := range s.trace(ctx, asked, &found) {
			if err == nil {
				err = s.alive(ctx)
			}
			if err == nil {
				found = true
				if !seen.First(n) {
					continue
				}
			}
			if !yield(n, err) || store.Ends(err) {
				return
			}
		}
		if !found {
			yield(osprofiler.Notification{}, store.NotFound(baseID))
		}
	}
}

// trace yields what is stored of a trace, in order. It says that the trace was
// found where something stands under its key, which may be no notification.
func (s *Store) trace(ctx context.Context, id string, found *bool) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if s.legacy && !s.legacyTrace(ctx, id, yield) {
			return
		}
		keys := []string{listPrefix + id}
		lengths, err := s.lengths(ctx, keys)
		if err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		if lengths[0] < 0 {
			*found = true
			yield(osprofiler.Notification{}, damagedKey(keys[0], errNoList))
			return
		}
		for e, err := range s.lists(ctx, keys, lengths) {
			*found = *found || err == nil // else the list may have vanished meanwhile
			if !yield(e.Notification, cmp.Or(err, e.err)) {
				return
			}
		}
	}
}

// legacyTrace yields the legacy keys of one trace. Damage among keys that start
// like the trace's may be another's: keys do not say where the base id ends.
func (s *Store) legacyTrace(ctx context.Context, id string, yield func(osprofiler.Notification, error) bool) bool {
	var all []osprofiler.Notification
	for n, err := range s.legacyEntries(ctx, id+"_") {
		switch {
		case err != nil:
			if !yield(n, err) || store.Ends(err) {
				return false
			}
		case backend.Text(n.BaseID) == id:
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b osprofiler.Notification) int { return strings.Compare(b.Timestamp, a.Timestamp) })
	for _, n := range all {
		if !yield(n, nil) {
			return false
		}
	}
	return true
}

// legacyEntries yields the notifications under legacy keys whose base id, trace
// id and timestamp start like this.
func (s *Store) legacyEntries(ctx context.Context, start string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for keys, err := range s.scan(ctx, legacyPrefix+start) {
			if err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			for p, err := range s.strings(ctx, keys) {
				var n osprofiler.Notification
				switch {
				case err != nil:
				case p.err != nil:
					err = damagedKey(p.key, errNoString)
				default:
					n, err = legacyEntry(p.key, p.values[0])
				}
				if !yield(n, err) || store.Ends(err) {
					return
				}
			}
		}
	}
}
