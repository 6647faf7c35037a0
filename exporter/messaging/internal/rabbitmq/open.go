package rabbitmq

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// connect connects. The unacknowledged messages are delivered again, with other numbers.
func (c *consumption) connect(l *lane) error {
	c.disconnect(l)
	opened, err := c.bus.connect(c.connecting)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.conn = opened
	return nil
}

// disconnect drops the connection and all messages that came on it.
func (c *consumption) disconnect(l *lane) {
	c.mu.Lock()
	l.end()
	c.ledger.forget(l)
	old := l.conn
	l.conn, l.session = nil, nil
	c.mu.Unlock()
	if old != nil {
		old.leave(c.connecting)
	}
}

// context returns the context for calls of the lane. If the lane has nothing to give back,
// Close ends that context at once.
func (c *consumption) context(l *lane) context.Context {
	if l.holdsNothing() {
		return c.connecting
	}
	return c.working
}

// open begins a stream, on a new channel if there is none. The broker may have closed the
// channel or canceled the consumer, because the queue was deleted or its node is down. Then
// open declares everything again. An open channel is kept, because the messages that came on
// it can still be acknowledged.
func (c *consumption) open(l *lane) (err error) {
	ctx := c.context(l)
	if l.holdsNothing() || l.lost {
		if err := c.bus.declareReading(ctx, l.conn, l.queue); err != nil {
			return err
		}
		if err := c.inspect(ctx, l); err != nil {
			return err
		}
	}
	if l.holdsNothing() {
		if err := c.openSession(ctx, l); err != nil {
			return err
		}
	}
	return c.begin(ctx, l)
}

func (c *consumption) openSession(ctx context.Context, l *lane) error {
	ch, err := l.conn.channel(ctx)
	if err != nil {
		return err
	}
	s := &session{ch: ch, turn: newSemaphore(), endangered: c.newEndangered(l, ch)}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.end() // the old channel is closed
	c.ledger.forget(l)
	l.session, l.left, l.leftSince = s, 0, time.Time{}
	l.prefetch = c.bus.settings.prefetch() // no message uses it yet
	return nil
}

// inspect finds out the kind of the queue. If the user has no right to that, the options are
// used.
func (c *consumption) inspect(ctx context.Context, l *lane) error {
	kind, err := l.conn.inspect(ctx, l.queue)
	if err != nil {
		return err
	}
	if kind.typ == amqp.QueueTypeStream {
		return explained.New(errStream, "the queue %q of %s cannot be consumed, because it is a stream", l.queue, l.conn.name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.kind = kind
	l.counts = kind.typ == amqp.QueueTypeQuorum || kind.typ == "" && c.bus.settings.QuorumQueue
	l.polled = kind.autoDelete || kind.typ == "" && c.bus.settings.AutoDelete && l.queue != c.bus.config.Queue
	return nil
}

// narrow cancels the consumer, so that one with a larger prefetch count follows.
func (c *consumption) narrow(l *lane) error {
	c.mu.Lock()
	s := l.stream
	if s == nil { // it has just ended
		c.mu.Unlock()
		return nil
	}
	s.canceled = true
	l.prefetch = c.bus.settings.wider(s.prefetch)
	c.mu.Unlock()
	return l.session.ch.call(c.working, func(ch *amqp.Channel) error { return ch.Cancel(s.tag, false) })
}

// begin begins to consume, or to poll.
func (c *consumption) begin(ctx context.Context, l *lane) error {
	l.session.streams++
	s := &stream{
		lane: l, session: l.session, tag: fmt.Sprintf("osp-%06d", l.session.streams), prefetch: l.prefetch,
		stop: make(chan struct{}), done: make(chan struct{}), before: l.session.last,
	}
	l.session.last = s
	if l.polled {
		s.polling = &polling{}
		c.began(s)
		go s.poll(s.session.ch, c.arrivals) //nolint:gosec // it outlives the call: the end of the stream ends it
		return nil
	}
	var args amqp.Table
	if c.bus.settings.CancelOnFailover {
		args = amqp.Table{"x-cancel-on-ha-failover": true}
	}
	var deliveries <-chan amqp.Delivery
	err := s.session.ch.call(ctx, func(ch *amqp.Channel) (err error) {
		if err = ch.Qos(s.prefetch, 0, false); err == nil {
			deliveries, err = ch.Consume(l.queue, s.tag, false, false, false, false, args)
		}
		return err
	})
	if err != nil {
		return err
	}
	c.began(s)
	go s.forward(deliveries, c.arrivals)
	return nil
}

func (c *consumption) began(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := s.lane
	l.stream, l.narrowed, l.lost, c.renewed = s, 0, false, true
}
