package relay

import (
	"context"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// An index holds the keys of the notifications that a store has.
type index struct {
	feed     *store.Feed // nil before the first grow
	keys     keySet
	complete bool // the feed was read to its end
	entries  int  // entries that the feed yielded
	took     time.Duration
}

// timeStep is how many entries are read between two looks at the clock.
const timeStep = 64

// readAhead reads the feed of the store if that is worth the time, by the lookups so far.
// inWindow is the number of traces in the window.
func (t *storeTarget) readAhead(ctx context.Context, inWindow int, warning func(error)) error {
	x := &t.index
	switch {
	case x.complete, !t.can.Feed:
		return nil
	case !t.can.Read:
		return t.grow(ctx, func() bool { return false }, warning)
	case t.cost.count+inWindow <= sampleLookups, t.cost.count < len(t.cost.last):
		return nil
	}
	limit := t.cost.passLimit(inWindow)
	if x.feed == nil {
		if limit < worthReading {
			return nil
		}
		return t.grow(ctx, func() bool { return x.entries >= firstEntries }, warning)
	}
	// Resuming the feed has its own cost. So it is resumed only if the limit is at least
	// twice the time that reading took so far.
	if limit < 2*x.took {
		return nil
	}
	began, before := time.Now(), x.took
	return t.grow(ctx, func() bool { return x.entries%timeStep == 0 && before+time.Since(began) > limit }, warning)
}

// grow continues to read the feed until its end, or until isOver returns true. If the feed
// came to its end, the index has everything that was written, because nothing is written
// meanwhile.
func (t *storeTarget) grow(ctx context.Context, isOver func() bool, warning func(error)) error {
	x := &t.index
	begin := time.Now()
	defer func() { x.took += time.Since(begin) }()
	return t.retry.Do(ctx, func() (err error) {
		if x.feed == nil {
			if x.feed, err = t.store.Feed(ctx, ""); err != nil {
				return err
			}
		}
		for n, err := range x.feed.Poll(ctx) {
			switch {
			case store.Ends(err):
				return err
			case err != nil:
				warning(err)
			default:
				if err := x.keys.add(keyOf(n.JSON())); err != nil {
					return err
				}
			}
			if x.entries++; isOver() {
				return nil
			}
		}
		x.complete = true
		return nil
	})
}

// begin implements comparer. It makes the feed be polled again, from where it was.
func (t *storeTarget) begin() { t.index.complete = false }

// mark marks the notifications of the window that the index has.
func (x *index) mark(w *window, has []bool) error {
	for i, k := range w.keys {
		there, err := x.keys.has(k)
		if err != nil {
			return err
		}
		has[i] = has[i] || there
	}
	return nil
}

// stored implements comparer. As long as the index is incomplete it adds nothing, because the
// feed will yield what was written.
func (t *storeTarget) stored(keys []key) error {
	if !t.index.complete {
		return nil
	}
	for _, k := range keys {
		if err := t.index.keys.add(k); err != nil {
			return err
		}
	}
	return nil
}
