package relay

import (
	"context"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Checkpoint saves a cursor, for example in a file, so that the next run begins at that
// cursor.
type Checkpoint func(ctx context.Context, c store.Cursor) error

// FromStore returns the source of all notifications of a store: in the order of writing if
// the store has a feed, otherwise trace by trace. A message bus is copied and nothing is
// removed from it; [FromConsumer] removes messages. The caller closes the store, after the
// source.
func FromStore(s *store.Store, opts ...StoreOption) Source {
	if s.Capabilities().Feed {
		return FromFeed(s, "", nil, opts...)
	}
	return FromTraces(s, store.Query{}, opts...)
}

// FromFeed returns the source of the notifications that were written to a store after the
// cursor. An empty cursor stands for the beginning. The checkpoint may be nil. It is called
// with a cursor when every target has everything before that cursor. The caller closes the
// store, after the source.
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

// cursorMoves counts how often the cursor of a feed changed. A feed that repeats entries
// without moving its cursor makes no progress.
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

// Position implements Source. It is empty if neither a checkpoint nor a Follow needs the
// cursor, because making the cursor is expensive in some stores.
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
