package store

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Feed follows a Store: it yields what is written, poll by poll. It remembers
// in memory what it has yielded, so that a poll reads only what is new. A Feed
// is for one goroutine.
type Feed struct {
	part
	feed driver.Feed
}

// Feed begins to follow the Store behind the cursor. The empty cursor stands for
// the beginning. A cursor of another place, or of one that was made anew, is
// ErrCursor, here or in the first Poll.
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

// Poll yields the notifications that were written since the last Poll, and ends
// when there are no more. What is written meanwhile may come now or in the next
// Poll. A notification may come more than once, but none is missed. If the loop
// is left early, the next Poll yields what the loop did not get. Errors are as
// in [Store.Notifications]; after an error that ends the sequence, the next Poll
// goes on in front of it.
func (f *Feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	if !f.isOpen() {
		return failing[osprofiler.Notification](ErrClosed)
	}
	return guard(ctx, f.store, f.feed.Poll)
}

// Cursor returns the cursor behind all that was yielded, also inside a loop over
// Poll. A Feed that begins there yields at least all that was not yielded.
func (f *Feed) Cursor() Cursor { return f.feed.Cursor() }

// Close gives back what the Feed holds. Closing the Store closes its feeds too.
// After Close, Poll is ErrClosed.
func (f *Feed) Close() error { return f.close() }
