package rabbitmq

import (
	"os"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// A polling remembers the last answer to a stream that polls.
type polling struct{ empty atomic.Bool }

// ask asks the queues whether they have messages that should arrive. It returns false if there
// is no answer to wait for.
func (c *consumption) ask() (asks bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	for _, l := range c.lanes {
		switch l.ready, l.guessed = false, false; {
		case l.working:
			asks = true
		case l.stream == nil || l.stream.canceled || l.narrowed+c.ledger.pending(l) >= l.stream.prefetch:
			// The caller must first acknowledge messages, or something else must be done.
		case l.polled:
			l.ready = !l.stream.polling.empty.Load()
		default:
			c.work(l, c.count)
			asks = true
		}
	}
	return asks
}

// count asks the broker for the number of messages in the queue that nobody has received, and
// records whether there are any. The answer arrives after the messages that were sent before
// it. An error also ends the stream. An answer that is a guess is treated as if there were
// messages, so that count is called again.
func (c *consumption) count(l *lane) error {
	var q amqp.Queue
	err := l.session.ch.call(c.working, func(ch *amqp.Channel) (err error) {
		q, err = ch.QueueDeclarePassive(l.queue, false, false, false, false, nil)
		return err
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	l.guessed = err == nil && isGuess(&q)
	l.ready = err == nil && (q.Messages > 0 || l.guessed)
	return nil
}

// isGuess reports whether the broker has given the numbers of a queue without knowing them. If
// the leader of a quorum queue does not answer within 250 ms, or if there is no leader,
// RabbitMQ reports no messages and no consumers. isGuess may be called only while this side
// has a consumer of the queue, because a true answer counts that consumer.
func isGuess(q *amqp.Queue) bool { return q.Consumers == 0 }

// undelivered returns an error if a queue has messages that should have arrived, or if a queue
// does not report whether it has any.
func (c *consumption) undelivered() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		switch {
		case l.guessed:
			return explained.New(os.ErrDeadlineExceeded, "%s has not told for %v whether the queue %q has messages", c.bus.name, c.bus.config.Timeout, l.queue)
		case l.ready:
			return explained.New(os.ErrDeadlineExceeded, "%s has not delivered for %v the messages that the queue %q has: "+
				"if the queue has a single active consumer, another reader should end", c.bus.name, c.bus.config.Timeout, l.queue)
		}
	}
	return nil
}
