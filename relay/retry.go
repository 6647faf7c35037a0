package relay

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A sequence is the type of sequence that the sources and the stores yield.
type sequence = iter.Seq2[osprofiler.Notification, error]

// A consumer hands notifications on to the loop over a sequence.
type consumer struct {
	yield func(osprofiler.Notification, error) bool
	left  bool // the loop was left
}

// take hands a notification, or the error for a skipped entry, on to the loop. It returns
// false if the loop was left.
func (c *consumer) take(n osprofiler.Notification, err error) bool {
	c.left = !c.yield(n, err)
	return !c.left
}

// takeChosen takes the notifications of a sequence, except those of traces that are not
// chosen. A chosen of nil stands for all traces.
func (c *consumer) takeChosen(all sequence, chosen *keySet) error {
	for n, err := range all {
		if store.Ends(err) {
			return err
		}
		if err == nil && chosen != nil {
			is, err := chosen.has(keyOfID(n.BaseID))
			if err != nil {
				return err
			}
			if !is {
				continue
			}
		}
		if !c.take(n, err) {
			return nil
		}
	}
	return nil
}

// list calls add with the key of each trace of a listing, and hands on the errors of skipped
// entries. It returns false if it did not reach the end.
func (c *consumer) list(traces iter.Seq2[store.Summary, error], add func(key) error) (all bool, err error) {
	for summary, err := range traces {
		switch {
		case store.Ends(err):
			return false, err
		case err != nil:
			if !c.take(osprofiler.Notification{}, err) {
				return false, nil
			}
		default:
			if err := add(keyOfID(summary.BaseID)); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// resumed returns the sequence of the notifications that read hands on. If read fails for a
// transient reason, it is called again and continues where it was. progress counts the
// finished work. Whenever progress grows, the time of the retry starts again.
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
