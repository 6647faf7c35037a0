package rabbitmq

import (
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"
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
		switch l.ready = false; {
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
// messages that were sent before. An error is one of the stream, too, which ends.
func (c *consumption) count(l *lane) error {
	var ready int
	err := l.session.ch.call(c.working, func(ch *amqp.Channel) error {
		q, err := ch.QueueDeclarePassive(l.queue, false, false, false, false, nil)
		ready = q.Messages
		return err
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	l.ready = err == nil && ready > 0
	return nil
}
