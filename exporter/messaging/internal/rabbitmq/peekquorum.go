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

// consume takes messages by consumers, each of which gets what its prefetch count lets
// through. A quorum queue takes the messages of several consumers back in the order of
// the consumers' tags.
func (p *peek) consume(ctx context.Context, limit int) error {
	for n := 0; len(p.held) < limit; n++ {
		wanted := min(limit-len(p.held), mostPrefetch)
		got, err := p.consumeOnce(ctx, fmt.Sprintf("osp-%06d", n), wanted)
		if err != nil || got < wanted {
			return err
		}
	}
	return nil
}

// pause is how long a consumer waits for a message before it asks whether there is one.
const pause = 50 * time.Millisecond

// consumeOnce takes messages by one consumer. Large ones may be on their way for longer
// than the pause, so that it expects as many as were ready.
func (p *peek) consumeOnce(ctx context.Context, tag string, wanted int) (got int, err error) {
	expected, _, err := p.ready(ctx)
	if err != nil {
		return 0, err
	}
	expected = min(expected, wanted)
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
	for last := time.Now(); got < wanted; {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return got, p.ch.why(amqp.ErrClosed)
			}
			p.hold(d)
			got, last = got+1, time.Now()
		case <-time.After(pause):
			ready, readers, err := p.ready(ctx)
			if err != nil {
				return got, err
			}
			silence := time.Since(last)
			switch quiet := ready == 0 && len(deliveries) == 0; {
			case quiet && (got >= expected || readers > 1 && silence > patience || silence > p.conn.timeout):
				return got, nil // what is missing was taken by another reader
			case silence > p.conn.timeout:
				return got, os.ErrDeadlineExceeded
			}
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, nil
}

// A reader is a consumer of a peek.
type reader struct {
	tag        string
	deliveries <-chan amqp.Delivery
}

// halt cancels the consumers, and holds what was still on its way to them. It does so also
// after the end of the context, because the end of a call would give everything back.
func (p *peek) halt(ctx context.Context) {
	readers := p.readers
	p.readers = nil
	for _, r := range readers {
		if p.ch.call(context.WithoutCancel(ctx), func(ch *amqp.Channel) error { return ch.Cancel(r.tag, false) }) != nil {
			return // the connection or the channel has ended
		}
		for d := range r.deliveries {
			p.more = true
			if !p.isEndangered(&d) {
				d.Body = nil
			}
			p.held = append(p.held, d)
		}
	}
}

// patience is how long Peek waits for a quorum queue that has other readers.
const patience = time.Second

// awaitBack waits until the queue has the messages back, so that the next Peek sees
// them: a quorum queue takes them back after the answer. If the queue has other readers,
// they may take them first.
func (p *peek) awaitBack(ctx context.Context, wanted int) (err error) {
	if p.ch, err = p.conn.channel(ctx); err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < p.conn.timeout; {
		ready, readers, err := p.ready(ctx)
		if err != nil || ready >= wanted || readers > 0 && time.Since(began) > patience {
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
