package relay

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A sequence is what the sources and the stores yield.
type sequence = iter.Seq2[osprofiler.Notification, error]

// A consumer hands notifications on to the loop over a sequence.
type consumer struct {
	yield func(osprofiler.Notification, error) bool
	left  bool // the loop was left
}

// take hands a notification, or the error for a skipped entry, on to the loop. It
// returns false if the loop was left.
func (c *consumer) take(n osprofiler.Notification, err error) bool {
	c.left = !c.yield(n, err)
	return !c.left
}

// resumed returns the sequence of what read hands on. read is called again if it
// fails for a reason that passes; it then goes on where it was. progress counts
// what is done for good: after progress the time of the retry begins anew.
func resumed(ctx context.Context, r store.Retry, progress func(*consumer) int, read func(*consumer) error) sequence {
	return func(yield func(osprofiler.Notification, error) bool) {
		c := &consumer{yield: yield}
		var err error
		for again := true; again; {
			again = false
			err = r.Do(ctx, func() error {
				before := progress(c)
				err := read(c)
				if again = r.Elapsed >= 0 && ctx.Err() == nil && !c.left && store.IsTransient(err) && progress(c) > before; again {
					return nil
				}
				return err
			})
		}
		if err != nil && !c.left {
			yield(osprofiler.Notification{}, err)
		}
	}
}
