package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A storeTarget has two ways to find out which notifications the store has. It can look up
// one trace after the other, which is right for a store with an index. Or it can read the
// feed of the store once, from its beginning to its end, and keep the keys of all
// notifications in an index, which is right for a file.
//
// The times of the lookups show which kind of store it is. A store without an index reads
// everything for each lookup, so reading its feed takes no longer than a number of lookups.
// Therefore the feed gets the time of the lookups of one window, or of passInLookups lookups,
// plus an eighth of the time of all lookups. A target with an index is not slowed down by
// more than that. The work for any target is linear in the size of the copied data and of the
// target.
const (
	sampleLookups = 16  // with fewer lookups than this, the feed is not tried
	passInLookups = 256 // reading the feed of a store without an index takes at most as long as this number of lookups
	lookupShare   = 8   // reading the feed may also take 1/lookupShare of the time of all lookups
	firstEntries  = 1000
	worthReading  = 50 * time.Millisecond // lookups that take less are not worth reading the feed
)

// lookupCost measures what lookups cost.
type lookupCost struct {
	count int
	took  time.Duration    // by all lookups
	last  [3]time.Duration // the times of the last lookups
}

func (c *lookupCost) add(took time.Duration) {
	c.last[c.count%len(c.last)] = took
	c.count++
	c.took += took
}

// each returns the present cost of a lookup: the time of the quickest of the last ones,
// because another program may have slowed down the others. It is 0 until there were that many
// lookups.
func (c *lookupCost) each() time.Duration { return slices.Min(c.last[:]) }

// passLimit returns how long reading the feed may take, by the lookups so far. inWindow is
// the number of traces in the window.
func (c *lookupCost) passLimit(inWindow int) time.Duration {
	lookups := max(inWindow, min(passInLookups, c.count))
	return time.Duration(lookups)*c.each() + c.took/lookupShare
}

// compare implements comparer.
func (t *storeTarget) compare(ctx context.Context, w *window, has []bool, warning func(error)) error {
	if t.can.Peek || !t.can.Read && !t.can.Feed { // a message that was on a bus may be gone
		return nil
	}
	for _, baseID := range w.baseIDs {
		if err := t.readAhead(ctx, len(w.baseIDs), warning); err != nil {
			return err
		}
		if t.index.complete {
			break
		}
		if err := t.lookUp(ctx, w, baseID, has, warning); err != nil {
			return err
		}
	}
	return t.index.mark(w, has)
}

// lookUp marks the notifications of one trace that the store has.
func (t *storeTarget) lookUp(ctx context.Context, w *window, baseID string, has []bool, warning func(error)) error {
	begin := time.Now()
	defer func() { t.cost.add(time.Since(begin)) }()
	return t.retry.Do(ctx, func() error {
		for n, err := range t.store.Notifications(ctx, baseID, store.KeepDuplicates()) {
			switch {
			case errors.Is(err, store.ErrNotFound):
				return nil
			case store.Ends(err):
				return err
			case err != nil:
				warning(err)
			default:
				if i, ok := w.byKey[keyOf(n.JSON())]; ok {
					has[i] = true
				}
			}
		}
		return nil
	})
}
