package relay

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// FromTraces returns the source of the traces that a listing by the query contains, each as a
// whole. The caller closes the store, after the source. The traces of a message bus are
// copied, and stay on the bus.
func FromTraces(s *store.Store, q store.Query, opts ...StoreOption) Source {
	if s.Capabilities().Peek {
		return &peekSource{store: s, storeConfig: newStoreConfig(opts), query: q}
	}
	t := &traceSource{store: s, storeConfig: newStoreConfig(opts), query: q, nextTry: sampleLookups}
	if !s.Capabilities().Feed {
		t.nextTry = math.MaxInt
	}
	return t
}

// A traceSource reads one trace after the other, in the order of the listing. This way is
// right for a store with an index. A store without an index, such as a file, reads all of
// itself to find a trace. For such a store the source reads the feed instead and drops the
// entries of other traces.
type traceSource struct {
	storeConfig
	consumable

	store *store.Store
	query store.Query

	done     keySet     // traces that were read one by one
	traces   int        // how many traces done has
	cost     lookupCost // of reading one trace
	nextTry  int        // the number of traces after which the feed is tried
	chosen   *keySet    // traces to read from the feed; nil if they are read one by one
	listed   bool       // whether chosen is complete
	feed     *store.Feed
	moves    cursorMoves
	finished bool
}

// Name implements Source.
func (t *traceSource) Name() string { return t.store.Name() }

// Read implements Source. Once a Read has come to its end, there is no more to read.
func (t *traceSource) Read(ctx context.Context) sequence {
	progress := func(*consumer) int { return t.traces + t.moves.of(t.feed) }
	return resumed(ctx, t.retry, progress, func(c *consumer) (err error) {
		if t.finished {
			return nil
		}
		if t.chosen == nil {
			err = t.readOneByOne(ctx, c)
		}
		if t.chosen != nil && err == nil && !c.left {
			err = t.readFeed(ctx, c)
		}
		t.finished = err == nil && !c.left
		return err
	})
}

// readOneByOne reads the traces of the listing that were not read yet. It returns
// early, with chosen set, if the feed is quicker.
func (t *traceSource) readOneByOne(ctx context.Context, c *consumer) error {
	for summary, err := range t.store.Traces(ctx, t.query) {
		if store.Ends(err) {
			return err
		}
		if err != nil {
			if !c.take(osprofiler.Notification{}, err) {
				return nil
			}
			continue
		}
		key := keyOfID(summary.BaseID)
		if done, err := t.done.has(key); err != nil || done {
			if err != nil {
				return err
			}
			continue
		}
		if t.traces >= t.nextTry {
			quicker, err := t.feedIsQuicker(ctx)
			if err != nil || quicker {
				return err
			}
		}
		if err := t.readTrace(ctx, summary.BaseID, c); err != nil || c.left {
			return err
		}
		if err := t.done.add(key); err != nil {
			return err
		}
		t.traces++
	}
	return nil
}

// readTrace reads one trace, and adds to the cost the time that the store needed for it.
func (t *traceSource) readTrace(ctx context.Context, baseID string, c *consumer) error {
	begin := time.Now()
	inLoop := time.Duration(0)
	timed := &consumer{yield: func(n osprofiler.Notification, err error) bool {
		left := time.Now()
		defer func() { inLoop += time.Since(left) }()
		return c.take(n, err)
	}}
	err := readTrace(ctx, t.store, baseID, timed)
	t.cost.add(time.Since(begin) - inLoop)
	if errors.Is(err, store.ErrNotFound) {
		return nil // the trace was deleted since it was listed
	}
	return err
}

// feedIsQuicker reads the feed for about as long as the lookups took. If the feed
// ends within that time, feedIsQuicker returns true and sets chosen.
func (t *traceSource) feedIsQuicker(ctx context.Context) (quicker bool, err error) {
	t.nextTry *= 4
	feed, err := t.store.Feed(ctx, "")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, feed.Close()) }()
	limit := t.cost.passLimit(0)
	begin := time.Now()
	for _, err := range feed.Poll(ctx) {
		if store.Ends(err) {
			return false, err
		}
		if time.Since(begin) > limit {
			return false, nil
		}
	}
	t.chosen = &keySet{}
	return true, nil
}

// readFeed reads the traces that were not read one by one from the feed.
func (t *traceSource) readFeed(ctx context.Context, c *consumer) (err error) {
	if !t.listed {
		if err := t.list(ctx, c); err != nil || c.left {
			return err
		}
	}
	if t.feed == nil {
		if t.feed, err = t.store.Feed(ctx, ""); err != nil {
			return err
		}
	}
	return c.takeChosen(t.feed.Poll(ctx), t.chosen)
}

// list collects the traces that were not read one by one.
func (t *traceSource) list(ctx context.Context, c *consumer) error {
	all, err := c.list(t.store.Traces(ctx, t.query), func(k key) error {
		done, err := t.done.has(k)
		if err == nil && !done {
			err = t.chosen.add(k)
		}
		return err
	})
	t.listed = all
	return err
}

// Position implements Source. It is always empty, because a source of chosen traces is read
// from its beginning.
func (t *traceSource) Position() Position { return "" }

// Acknowledge implements Source.
func (t *traceSource) Acknowledge(context.Context, Position) error { return nil }

// Close implements Source.
func (t *traceSource) Close() error {
	errs := []error{t.done.close()}
	if t.chosen != nil {
		errs = append(errs, t.chosen.close())
	}
	if t.feed != nil {
		errs = append(errs, t.feed.Close())
	}
	return errors.Join(errs...)
}
