package rabbitmq

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// Consume begins to take messages. It does not wait for the broker; Receive does.
func (b *Bus) Consume(context.Context) (bus.Consumption, error) {
	c := &consumption{bus: b, arrivals: make(chan arrival), changed: make(chan struct{}, 1), closed: make(chan struct{})}
	c.connecting, c.stopConnecting = context.WithCancel(context.Background())
	c.working, c.stopWorking = context.WithCancel(context.Background())
	for _, queue := range b.queues() {
		c.lanes = append(c.lanes, &lane{mu: &c.mu, queue: queue, prefetch: b.settings.prefetch()})
	}
	return c, nil
}

// A consumption has a lane for each queue. The lanes speak to the broker in goroutines of
// their own, so that the context of a Receive ends its waiting only: a call that ended in
// the middle would end the connection, and all that came on it would come again.
type consumption struct {
	bus      *Bus
	arrivals chan arrival
	changed  chan struct{} // has an element after a lane has ended its work
	closed   chan struct{}

	// Close ends connecting at once, and working when what runs has had time to end.
	connecting, working         context.Context // they end with Close, not with a call
	stopConnecting, stopWorking context.CancelFunc
	workers                     sync.WaitGroup

	mu     sync.Mutex // of what follows, and of lanes; not held while the broker is asked
	ended  bool
	lanes  []*lane
	ledger ledger
	// renewed says that a lane has begun a stream since isQuiet was called.
	renewed bool
}

// An arrival is a message, or the end of a stream.
type arrival struct {
	stream  *stream
	message amqp.Delivery
	ended   bool
}

// errClosed is the error of a Consumption that was closed.
var errClosed = errors.New("the consumption is closed")

// Receive yields the messages that arrive.
func (c *consumption) Receive(ctx context.Context, idle time.Duration) iter.Seq2[bus.Message, error] {
	return func(yield func(bus.Message, error) bool) {
		err := c.receive(ctx, idle, func(m bus.Message) bool { return yield(m, nil) })
		if err != nil {
			yield(bus.Message{}, err)
		}
	}
}

func (c *consumption) receive(ctx context.Context, idle time.Duration, yield func(bus.Message) bool) error {
	c.resume()
	q := newQuiet(c, idle)
	defer q.stop()
	take := func(a arrival) (bool, error) {
		m, err := c.arrived(a)
		q.begin()
		return err != nil || m.Number > 0 && !yield(m), err
	}
	for {
		again, err := c.tend()
		if err != nil {
			return c.failed(ctx, err)
		}
		over := false
		select {
		case a := <-c.arrivals:
			over, err = take(a)
		case <-c.changed:
			q.worked()
		case <-q.passed:
			if over, err = q.isOver(); over && err == nil {
				select {
				case a := <-c.arrivals: // at the last moment
					over, err = take(a)
				default:
				}
			}
		case <-again:
		case <-ctx.Done():
			over, err = true, ctx.Err()
		case <-c.closed:
			over, err = true, errClosed
		}
		if over || err != nil {
			return c.failed(ctx, err)
		}
	}
}

// failed explains an error.
func (c *consumption) failed(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, errClosed) {
		return err
	}
	return c.bus.transient(ctx, err)
}

// arrived takes a message, or the end of a stream. The message has no number if it
// comes from a channel that is no longer the one of its lane.
func (c *consumption) arrived(a arrival) (m bus.Message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := a.stream.lane
	switch {
	case c.ended:
		return m, errClosed
	case l.session != a.stream.session, a.ended && l.stream != a.stream:
		return m, nil
	case a.ended:
		l.stream = nil // tend begins another one
		l.lost = l.lost || !a.stream.canceled
		return m, nil
	}
	if _, counts := deliveriesOf(&a.message); counts && !l.counts { // the first delivery of a message may not tell
		l.counts = true
	}
	number := c.ledger.add(l, a.stream.session, a.message.DeliveryTag)
	return messageOf(number, l.queue, &a.message), nil
}

// Leave excepts a message from Acknowledge.
func (c *consumption) Leave(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.leave(number)
}

// Acknowledge acknowledges all messages up to the number that were not left. After an
// error, it can be called again.
func (c *consumption) Acknowledge(ctx context.Context, number uint64) error {
	c.mu.Lock()
	tags := c.ledger.upTo(number)
	c.mu.Unlock()
	for s, tags := range tags {
		if err := s.acknowledge(ctx, tags); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		c.mu.Lock()
		c.ledger.remove(s, number)
		c.mu.Unlock()
	}
	return nil
}

// Close gives back what was not acknowledged. After an error, the connection of the lane
// stays until the Bus is closed, because its end would lose messages.
func (c *consumption) Close() (err error) {
	c.mu.Lock()
	ended := c.ended
	c.ended = true
	c.mu.Unlock()
	if ended {
		return nil
	}
	close(c.closed)
	c.stopConnecting()
	late := time.AfterFunc(closeTimeout, c.stopWorking)
	c.workers.Wait()
	late.Stop()
	c.stopWorking()
	errs := make([]error, len(c.lanes))
	var closing sync.WaitGroup
	for i, l := range c.lanes { // at the same time, so that each lane has all the time
		closing.Go(func() { errs[i] = l.close(c.bus) })
	}
	closing.Wait()
	return errors.Join(errs...)
}
