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

// A consumption has a lane for each queue. The lanes call the broker in goroutines of their
// own, so that the end of a Receive's context ends only the waiting. A call that was
// interrupted would end the connection, and all messages of the connection would be delivered
// again.
type consumption struct {
	bus      *Bus
	arrivals chan arrival
	changed  chan struct{} // has an element after a lane has ended its work
	closed   chan struct{}

	// Close cancels connecting at once. It cancels working after the running calls had time to
	// end.
	connecting, working         context.Context // canceled by Close, not by the end of a call
	stopConnecting, stopWorking context.CancelFunc
	workers                     sync.WaitGroup

	mu     sync.Mutex // protects the fields below, and those of lanes; not held during calls of the broker
	ended  bool
	lanes  []*lane
	ledger ledger
	// renewed reports that a lane has begun a stream since the last call of progress.
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

// arrived takes a message, or the end of a stream. The message has no number if it comes from
// a channel that its lane no longer uses.
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
		l.stream = nil // tend begins another stream
		l.lost = l.lost || !a.stream.canceled
		return m, nil
	}
	if _, counts := deliveriesOf(&a.message); counts && !l.counts { // the header of a first delivery may be missing
		l.counts = true
	}
	number := c.ledger.add(l, a.stream.session, a.message.DeliveryTag)
	return messageOf(number, l.queue, &a.message), nil
}

// Leave excludes a message from Acknowledge.
func (c *consumption) Leave(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.leave(number)
}

// Acknowledge acknowledges all messages up to the number, except those that were left. After
// an error it can be called again.
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

// Close puts unacknowledged messages back. After an error, the connection of the lane stays
// open until the Bus is closed, because closing the connection would lose messages.
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
	for i, l := range c.lanes { // concurrently, so that each lane has the full time
		closing.Go(func() { errs[i] = l.close(c.bus) })
	}
	closing.Wait()
	return errors.Join(errs...)
}
