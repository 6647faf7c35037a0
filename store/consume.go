package store

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Consumption takes notifications from a Store that is a message bus. When the Consumption
// is closed, notifications that were taken but not acknowledged go back to the bus. A
// Consumption is for one goroutine. Only Close may be called from another goroutine.
type Consumption struct {
	part
	consumption driver.Consumption
}

// Consume begins to take notifications. For a Store that is not a message bus, or that was
// opened read-only, the error is [errors.ErrUnsupported].
func (s *Store) Consume(ctx context.Context) (*Consumption, error) {
	c := &Consumption{}
	err := s.call(ctx, func(ctx context.Context) (err error) {
		consumer, ok := driver.As[driver.Consumer](s.driver)
		switch {
		case !ok:
			return s.unsupported("cannot take notifications out of %s")
		case s.readOnly:
			return s.unsupported("cannot take notifications out of %s, which was opened for reading only")
		}
		if c.consumption, err = consumer.Consume(ctx); err != nil {
			return err
		}
		c.open(s, c.consumption)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Take yields notifications in the order in which the place delivers them. It ends when none
// has arrived for a while. An option of the back end sets that time. Take may be called again
// to wait for more, as [Consumption.Follow] does. If the loop is left early, the next Take
// continues after the last notification.
//
// A notification may be yielded more than once, because after a lost connection the place
// delivers unacknowledged notifications again. An entry that is no notification stays in the
// place. It is reported once, by an error that wraps [*DamageError], and the sequence goes on
// after it. Any other error ends the sequence, and the next Take tries again.
func (c *Consumption) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	if !c.isOpen() {
		return failing[osprofiler.Notification](ErrClosed)
	}
	return guard(ctx, c.store, c.consumption.Take)
}

// Follow yields the same as Take, but does not end when nothing arrives. It waits until its
// context ends, or until it fails. A failure that may pass ([IsTransient]), such as a broker
// that restarts, also ends the sequence, and the next Follow continues.
func (c *Consumption) Follow(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	follower, ok := c.consumption.(driver.Follower)
	switch {
	case !c.isOpen():
		return failing[osprofiler.Notification](ErrClosed)
	case ok:
		return guard(ctx, c.store, follower.Follow)
	}
	return guard(ctx, c.store, c.takeAgain)
}

// takeAgain implements Follow for a driver without it, by repeated calls of Take.
func (c *Consumption) takeAgain(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for {
			for n, err := range c.consumption.Take(ctx) {
				if !yield(n, err) || Ends(err) {
					return
				}
			}
			if err := pause(ctx, betweenTakes); err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
		}
	}
}

// betweenTakes is the pause between calls of Take, for a driver whose Take does not wait.
const betweenTakes = 10 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Position returns the position after the notification that was yielded last. It may be called
// inside the loop over Take.
func (c *Consumption) Position() string { return c.consumption.Position() }

// Leave excludes a notification from Acknowledge. It is the one that was yielded last when
// Position returned the position. A queue gets the notification back when the Consumption is
// closed. In a log, such as a topic of Kafka, the notification stays in any case.
func (c *Consumption) Leave(position string) { c.consumption.Leave(position) }

// CanDispose reports whether Dispose has an effect.
func (c *Consumption) CanDispose() bool {
	_, ok := c.consumption.(driver.Disposer)
	return ok
}

// Dispose makes Acknowledge remove an entry that is no notification and would otherwise stay
// in the place. It is the entry whose error was yielded last when Position returned the
// position. Dispose is for a caller that has stored [DamageError.Body] in a safe place.
func (c *Consumption) Dispose(position string) {
	if d, ok := c.consumption.(driver.Disposer); ok {
		d.Dispose(position)
	}
}

// Redelivered reports whether the notification that was yielded last was delivered before, to
// this Consumption or to another one. known is false if the place does not report that.
func (c *Consumption) Redelivered() (is, known bool) {
	r, ok := c.consumption.(driver.Redeliverer)
	if !ok {
		return false, false
	}
	return r.Redelivered(), true
}

// Acknowledge removes everything that was yielded before the position from the place.
// Positions must be acknowledged in the order in which Position returned them. Positions may
// be skipped.
func (c *Consumption) Acknowledge(ctx context.Context, position string) error {
	if !c.isOpen() {
		return ErrClosed
	}
	return c.store.call(ctx, func(ctx context.Context) error { return c.consumption.Acknowledge(ctx, position) })
}

// Close returns unacknowledged notifications to the place. Closing the Store also closes its
// consumptions. After Close, Take and Acknowledge fail with ErrClosed.
func (c *Consumption) Close() error { return c.close() }

// Peek yields the notifications of all traces that are in the place now, in its order, and
// removes none. It works on a message bus. For any other Store the error is
// [errors.ErrUnsupported]. The back end may look at a bounded number of messages. If there are
// more, the last element is an error that wraps [*DamageError].
func (s *Store) Peek(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	peeker, ok := driver.As[driver.Peeker](s.driver)
	if !ok {
		return failing[osprofiler.Notification](s.unsupported("cannot peek into %s"))
	}
	return guard(ctx, s, peeker.Peek)
}
