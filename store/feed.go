package store

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Feed follows a Store: it yields new notifications, poll by poll. It remembers in memory
// which notifications it has yielded, so that a poll reads only new ones. A Feed is for one
// goroutine.
type Feed struct {
	part
	feed driver.Feed
}

// Feed begins to follow the Store after the cursor. The empty cursor means the beginning. A
// cursor of another place, or of a place that was recreated, fails with ErrCursor, here or in
// the first Poll.
func (s *Store) Feed(ctx context.Context, from Cursor) (*Feed, error) {
	f := &Feed{}
	err := s.call(ctx, func(ctx context.Context) (err error) {
		feeder, ok := driver.As[driver.Feeder](s.driver)
		if !ok {
			return s.unsupported("cannot follow %s")
		}
		if f.feed, err = feeder.Feed(ctx, from); err != nil {
			return err
		}
		f.open(s, f.feed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Poll yields the notifications that were written since the last Poll, and ends when there are
// no more. Notifications that are written during a Poll may be yielded now or by the next
// Poll. A notification may be yielded more than once, but none is missed. If the loop is left
// early, the next Poll yields the remaining notifications. Errors are as in
// [Store.Notifications]. After an error that ends the sequence, the next Poll continues before
// that error.
func (f *Feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	if !f.isOpen() {
		return failing[osprofiler.Notification](ErrClosed)
	}
	return guard(ctx, f.store, f.feed.Poll)
}

// Cursor returns the cursor after everything that was yielded. It may be called inside a loop
// over Poll. A Feed that begins at the cursor yields at least everything that was not yielded.
func (f *Feed) Cursor() Cursor { return f.feed.Cursor() }

// Close releases the resources of the Feed. Closing the Store also closes its feeds. After
// Close, Poll fails with ErrClosed.
func (f *Feed) Close() error { return f.close() }
