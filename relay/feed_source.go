package relay

import (
	"context"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Checkpoint keeps a cursor, for example in a file, so that the next run begins
// there.
type Checkpoint func(ctx context.Context, c store.Cursor) error

// FromStore returns the source of all notifications of a store: in the order of
// writing if the store has a feed, else trace by trace. A message bus is copied as it
// lies there, and nothing is taken away; [FromConsumer] takes. The store stays the
// caller's to close, after the source.
func FromStore(s *store.Store, opts ...StoreOption) Source {
	if s.Capabilities().Feed {
		return FromFeed(s, "", nil, opts...)
	}
	return FromTraces(s, store.Query{}, opts...)
}

// FromFeed returns the source of what was written to a store behind the cursor,
// which is empty for the beginning. The checkpoint may be nil. It is called with
// a cursor when every target has what lies before that cursor. The store stays
// the caller's to close, after the source.
func FromFeed(s *store.Store, from store.Cursor, checkpoint Checkpoint, opts ...StoreOption) Source {
	return &feedSource{store: s, storeConfig: newStoreConfig(opts), from: from, checkpoint: checkpoint}
}

type feedSource struct {
	storeConfig
	consumable

	moves      cursorMoves
	store      *store.Store
	from       store.Cursor
	checkpoint Checkpoint
	tracked    bool        // a Follow keeps the position
	feed       *store.Feed // nil before the first Read
}

// Name implements Source.
func (f *feedSource) Name() string { return f.store.Name() }

// Read implements Source.
func (f *feedSource) Read(ctx context.Context) sequence {
	moved := func(*consumer) int { return f.moves.of(f.feed) }
	return resumed(ctx, f.retry, moved, func(c *consumer) (err error) {
		if f.feed == nil {
			if f.feed, err = f.store.Feed(ctx, f.from); err != nil {
				return err
			}
		}
		for n, err := range f.feed.Poll(ctx) {
			if store.Ends(err) {
				return err
			}
			if !c.take(n, err) {
				return nil
			}
		}
		return nil
	})
}

// cursorMoves counts how often the cursor of a feed was another one. A feed that
// only repeats what it yielded makes no progress.
type cursorMoves struct {
	last  store.Cursor
	count int
}

func (m *cursorMoves) of(feed *store.Feed) int {
	if feed != nil {
		if at := feed.Cursor(); at != m.last {
			m.last = at
			m.count++
		}
	}
	return m.count
}

// Position implements Source. Without a checkpoint nobody needs the cursor, which
// some stores make at a cost.
func (f *feedSource) Position() Position {
	switch {
	case f.checkpoint == nil && !f.tracked:
		return ""
	case f.feed == nil:
		return Position(f.from)
	}
	return Position(f.feed.Cursor())
}

// Acknowledge implements Source.
func (f *feedSource) Acknowledge(ctx context.Context, p Position) error {
	if f.checkpoint == nil {
		return nil
	}
	return f.checkpoint(ctx, store.Cursor(p))
}

// Close implements Source.
func (f *feedSource) Close() error {
	if f.feed == nil {
		return nil
	}
	return f.feed.Close()
}
