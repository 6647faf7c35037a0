package rabbitmq

import (
	"context"
	"fmt"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// mostPrefetch is the largest prefetch count that AMQP can express.
const mostPrefetch = 1<<16 - 1

// consume takes messages with several consumers. Each gets as many messages as its prefetch
// count allows. A quorum queue takes the messages of several consumers back in the order of
// the consumers' tags.
//
// all is the number of messages in the queue when the first one was taken.
func (p *peek) consume(ctx context.Context, all int) error {
	for n := 0; len(p.held) < p.limit; n++ {
		wanted := min(p.limit-len(p.held), mostPrefetch)
		got, err := p.consumeOnce(ctx, fmt.Sprintf("osp-%06d", n), wanted, all-len(p.held))
		if err != nil || got < wanted {
			return err
		}
	}
	return nil
}

// pause is how long a consumer waits for a message before it asks whether there is one.
const pause = 50 * time.Millisecond

// consumeOnce takes messages with one consumer. Expected messages may take longer than the
// pause to arrive, because they are large or the broker is slow.
func (p *peek) consumeOnce(ctx context.Context, tag string, wanted, expected int) (got int, err error) {
	var deliveries <-chan amqp.Delivery
	err = p.ch.call(ctx, func(ch *amqp.Channel) (err error) {
		if err = ch.Qos(wanted, 0, false); err == nil {
			deliveries, err = ch.Consume(p.queue, tag, false, false, false, false, nil)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	p.readers = append(p.readers, reader{tag, deliveries})
	s := silence{peek: p, began: time.Now()}
	for got < wanted {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return got, p.ch.why(amqp.ErrClosed)
			}
			p.hold(d)
			got++
			s = silence{peek: p, began: time.Now()}
		case <-time.After(pause):
			q, err := p.declared(ctx)
			if err != nil {
				return got, err
			}
			if over, err := s.isOver(&q, len(deliveries) == 0, got >= expected); over {
				return got, err
			}
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, nil
}

// A silence is the time in which a consumer of a quorum queue has received no message. It does
// not prove that the queue is empty. Only the broker's answer does.
type silence struct {
	peek  *peek
	began time.Time
	empty int // how often in a row the broker has reported the queue as empty
}

const (
	// mostMissing is how long expected messages may be missing after the broker has reported
	// the queue as empty, if other readers may have taken them.
	mostMissing = 5 * time.Second
	// leastEmpty is how often the broker has to report the queue as empty. The first answer
	// may overtake messages that the broker is about to send, the second does not.
	leastEmpty = 3
)

// isOver reports whether no message will come. none reports that no message has arrived in the
// meantime, and complete that all expected messages have arrived.
func (s *silence) isOver(q *amqp.Queue, none, complete bool) (bool, error) {
	since, timeout := time.Since(s.began), s.peek.conn.timeout
	if !isGuess(q) && q.Messages == 0 && none {
		s.empty++
		if complete {
			return true, nil
		}
		if s.empty >= leastEmpty && (s.peek.others(q) > 0 && since > mostMissing || since > timeout) {
			return true, nil // another reader took the missing messages
		}
		return false, nil
	}
	s.empty = 0
	if since > timeout {
		return true, os.ErrDeadlineExceeded
	}
	return false, nil
}

// others returns the number of consumers that do not belong to the peek. RabbitMQ counts a
// channel that has got a message of a quorum queue by basic.get as one more consumer, until
// the message is acknowledged.
func (p *peek) others(q *amqp.Queue) int { return max(q.Consumers-len(p.readers)-1, 0) }

// A reader is a consumer of a peek.
type reader struct {
	tag        string
	deliveries <-chan amqp.Delivery
}

// halt cancels the consumers, and holds the messages that were still on their way to them. It
// does so even after the end of the context, because an interrupted call would give everything
// back.
func (p *peek) halt(ctx context.Context) {
	readers := p.readers
	p.readers = nil
	// A peek that ended before the limit has found the queue empty. Messages that were written
	// since then do not count as more messages.
	limited := len(p.held) >= p.limit || p.full()
	for _, r := range readers {
		if p.ch.call(context.WithoutCancel(ctx), func(ch *amqp.Channel) error { return ch.Cancel(r.tag, false) }) != nil {
			return // the connection or the channel has ended
		}
		for d := range r.deliveries {
			p.more = p.more || limited
			if !p.isEndangered(&d) {
				d.Body = nil
			}
			p.held = append(p.held, d)
		}
	}
}

// patience is how long Peek waits for a quorum queue that has other readers.
const patience = time.Second

// left returns the number of messages in a quorum queue that nobody holds, and the number of
// other consumers. Both are zero if the broker does not report them. left is called before the
// consumers of the peek end, because those consumers show whether an answer is a guess.
func (p *peek) left(ctx context.Context) (messages, others int) {
	if !p.counted {
		return 0, 0
	}
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < patience; {
		q, err := p.declared(context.WithoutCancel(ctx)) // the end of the context would give everything back
		if err != nil {
			return 0, 0
		}
		if !isGuess(&q) {
			return q.Messages, p.others(&q)
		}
	}
	return 0, 0
}

// awaitBack waits until the queue has the messages back, so that the next Peek sees them. A
// quorum queue takes messages back only after the answer. If the queue has other readers, they
// may take the messages first.
func (p *peek) awaitBack(ctx context.Context, wanted, others int) (err error) {
	if p.ch, err = p.conn.channel(ctx); err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < p.conn.timeout; {
		ready, readers, err := p.ready(ctx)
		if err != nil || ready >= wanted || readers > 0 && readers <= others && time.Since(began) > patience {
			return err
		}
		select {
		case <-time.After(pause / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
