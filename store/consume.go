package store

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Consumption takes notifications out of a Store: out of a message bus. What it has
// taken and what was not acknowledged comes back to the place when the Consumption is
// closed. A Consumption is for one goroutine; only Close may be called from another.
type Consumption struct {
	part
	consumption driver.Consumption
}

// Consume begins to take notifications. A Store that is not a message bus is
// [errors.ErrUnsupported], and so is one that was opened for reading only.
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

// Take yields notifications in the order in which the place delivers them, and ends
// when none arrived for a while, which is an option of the back end. It may be called
// again, to wait for more, as [Consumption.Follow] does. If the loop is left early, the next Take goes on behind
// the last notification.
//
// A notification may come more than once: after a lost connection, the place delivers
// again what was not acknowledged. An entry that is no notification stays in the
// place and is reported once, by an error that wraps [*DamageError], behind which the
// sequence goes on. Any other error ends it, and the next Take tries again.
func (c *Consumption) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	if !c.isOpen() {
		return failing[osprofiler.Notification](ErrClosed)
	}
	return guard(ctx, c.store, c.consumption.Take)
}

// Follow yields what Take yields, and does not end when nothing arrives: it waits until
// its context ends, or until it fails. A failure that may pass ([IsTransient]), such as a
// broker that restarts, ends the sequence, too, and the next Follow goes on.
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

// takeAgain follows a driver that cannot: Take waits a while for each message.
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

// betweenTakes keeps a driver whose Take does not wait from being called without a break.
const betweenTakes = 10 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Position returns the position behind what was yielded, also inside the loop over
// Take.
func (c *Consumption) Position() string { return c.consumption.Position() }

// Leave excepts a notification from Acknowledge: the one that was the last when Position
// returned the position. A queue gives it back when the Consumption is closed; in a
// log, such as a topic of Kafka, it stays as all others do.
func (c *Consumption) Leave(position string) { c.consumption.Leave(position) }

// CanDispose reports whether Dispose has an effect.
func (c *Consumption) CanDispose() bool {
	_, ok := c.consumption.(driver.Disposer)
	return ok
}

// Dispose makes Acknowledge remove an entry that is no notification and that would stay
// in the place: the one whose error was the last when Position returned the position.
// It is for a caller that has put [DamageError.Body] into a safe place.
func (c *Consumption) Dispose(position string) {
	if d, ok := c.consumption.(driver.Disposer); ok {
		d.Dispose(position)
	}
}

// Redelivered reports whether the notification that was yielded last had been delivered
// before, to this Consumption or to another one. known is false if the place cannot
// tell.
func (c *Consumption) Redelivered() (is, known bool) {
	r, ok := c.consumption.(driver.Redeliverer)
	if !ok {
		return false, false
	}
	return r.Redelivered(), true
}

// Acknowledge removes from the place what was yielded before the position. Positions
// come in the order in which Position returned them, and some may be left out.
func (c *Consumption) Acknowledge(ctx context.Context, position string) error {
	if !c.isOpen() {
		return ErrClosed
	}
	return c.store.call(ctx, func(ctx context.Context) error { return c.consumption.Acknowledge(ctx, position) })
}

// Close gives back to the place what was not acknowledged. Closing the Store closes
// its consumptions too. After Close, Take and Acknowledge are ErrClosed.
func (c *Consumption) Close() error { return c.close() }

// Peek yields the notifications of all traces that lie in the place now, in its
// order, and takes none away. It is for a message bus; any other Store is
// [errors.ErrUnsupported]. The back end may look at a bounded number of messages, and
// says at the end, by an error that wraps [*DamageError], if there are more.
func (s *Store) Peek(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	peeker, ok := driver.As[driver.Peeker](s.driver)
	if !ok {
		return failing[osprofiler.Notification](s.unsupported("cannot peek into %s"))
	}
	return guard(ctx, s, peeker.Peek)
}
