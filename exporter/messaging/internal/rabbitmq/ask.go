package rabbitmq

import (
	"os"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// A polling knows what the last answer to a stream that polls was.
type polling struct{ empty atomic.Bool }

// ask asks the queues whether they have messages that should arrive. It returns false
// if no answer has to be waited for.
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
			// The caller has to acknowledge some first, or something else is to be done.
		case l.polled:
			l.ready = !l.stream.polling.empty.Load()
		default:
			c.work(l, c.count)
			asks = true
		}
	}
	return asks
}

// count asks how many messages of the queue nobody has got. The answer comes behind the
// messages that were sent before. An error is one of the stream, too, which ends. An
// answer that is a guess counts as if there were messages, so that count is called again.
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

// isGuess reports whether the broker has told the numbers of a queue without knowing
// them. If the leader of a quorum queue does not answer within 250 ms, or if there is no
// leader, RabbitMQ says that the queue has no messages and no consumers. isGuess may be
// called only while this side has a consumer of the queue, which a true answer counts.
func isGuess(q *amqp.Queue) bool { return q.Consumers == 0 }

// undelivered returns an error if a queue has messages that should have arrived, or does
// not tell whether it has any.
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
