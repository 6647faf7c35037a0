package relay_test

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// damaged is a memory with unreadable entries. Like a file, it reports them whenever the
// whole memory is read.
type damaged struct {
	*memory
	damage []error
}

func (d *damaged) report(rest iter.Seq2[osprofiler.Notification, error]) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, err := range d.damage {
			if !yield(osprofiler.Notification{}, err) {
				return
			}
		}
		rest(yield)
	}
}

func (d *damaged) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return d.report(d.memory.Notifications(ctx, baseID))
}

func (d *damaged) Feed(ctx context.Context, from driver.Cursor) (driver.Feed, error) {
	feed, err := d.memory.Feed(ctx, from)
	return &damagedFeed{feed, d}, err
}

type damagedFeed struct {
	driver.Feed
	damaged *damaged
}

func (f *damagedFeed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return f.damaged.report(f.Feed.Poll(ctx))
}

// cutOff is a memory whose traces end with an error, always after the same notification.
type cutOff struct{ *memory }

func (c cutOff) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for n, err := range c.memory.Notifications(ctx, baseID) {
			if yield(n, err) {
				yield(osprofiler.Notification{}, errBusy)
			}
			return
		}
	}
}
