package rabbitmq

import (
	"context"
	"fmt"
	"iter"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// Peek reads the messages of each queue and gives them back before it yields them, so that
// other readers miss them only briefly. It declares nothing. A queue that does not exist
// counts as empty.
//
// A classic queue puts messages back to their places. A quorum queue counts a peek as a
// delivery of each message. Peek refuses a quorum queue that might lose messages or their
// order.
func (b *Bus) Peek(ctx context.Context, limit int) (messages iter.Seq2[bus.Message, error], more func() bool) {
	hasMore := false
	return func(yield func(bus.Message, error) bool) {
		if err := b.stuck.release(ctx); err != nil {
			yield(bus.Message{}, b.transient(ctx, err))
			return
		}
		l := &looking{bus: b}
		defer l.end(ctx)
		number := uint64(0)
		for _, queue := range b.queues() {
			p, err := l.at(ctx, queue, int(number), limit-int(number))
			if err != nil {
				yield(bus.Message{}, b.transient(ctx, err))
				return
			}
			hasMore = hasMore || p.more
			for i := range p.held[:p.seen] {
				number++
				if !yield(messageOf(number, queue, &p.held[i]), nil) {
					return
				}
			}
		}
	}, func() bool { return hasMore }
}

// A looking is one call of Peek.
type looking struct {
	bus  *Bus
	conn *conn // nil before the first connection

	bytes int // the size of the bodies in the queues looked at so far
}

// at looks at one queue. A quorum queue without a leader, such as one that is just being
// declared, fails for a moment. before is the number of messages looked at so far. A stuck
// peek keeps the connection.
func (l *looking) at(ctx context.Context, queue string, before, limit int) (p *peek, err error) {
	for began := time.Now(); ; {
		if l.conn == nil || l.conn.isLost() {
			l.end(ctx)
			if l.conn, err = l.bus.connect(ctx); err != nil {
				return nil, err
			}
		}
		name := l.conn.name
		p = &peek{bus: l.bus, conn: l.conn, queue: queue, before: before, limit: limit, bytes: l.bytes, saved: map[uint64]bool{}}
		err = p.read(ctx)
		if p.stuck {
			l.bus.stuck.keep(p)
			l.conn = nil
			return p, l.bus.explainFrom(name, err)
		}
		if err == nil {
			l.bytes = p.bytes
		}
		if codeOf(err) != amqp.InternalError || time.Since(began) > mostRefusals {
			return p, l.bus.explainFrom(name, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *looking) end(ctx context.Context) {
	if l.conn != nil {
		l.conn.leave(ctx)
	}
}

func messageOf(number uint64, queue string, d *amqp.Delivery) bus.Message {
	_, isCopy := d.Headers[rescued]
	return bus.Message{
		Number: number, Body: bodyOf(d), ContentType: d.ContentType, Place: fmt.Sprintf("a message in queue %q", queue),
		Redelivered: d.Redelivered || isCopy,
	}
}

// A peek looks at the messages of one queue.
type peek struct {
	bus   *Bus
	conn  *conn
	queue string
	ch    *channel
	// before is the number of messages in the queues before this one, and limit how
	// many may be taken from this one.
	before, limit int
	bytes         int // the size of the bodies, with those of the previous queues

	kind queueKind
	held []amqp.Delivery
	seen int  // how many of the held messages are looked at
	more bool // there are more messages
	// counted reports that the queue is a quorum queue, which counts deliveries.
	counted bool
	saved   map[uint64]bool // the delivery tags of the messages that were rescued
	// readers are the consumers that are not canceled.
	readers []reader
	stuck   bool // the peek holds messages that must not be given back
}

// mostBytes is the size of the bodies after which a peek ends.
const mostBytes = 64 << 20

func (p *peek) full() bool { return p.bytes >= p.bus.mostBytes }

// hold keeps a message that was taken. A quorum queue is read on after the end of the peek,
// because it must give all messages back in order. The bodies of those later messages are
// needed only if the messages have to be rescued.
func (p *peek) hold(d amqp.Delivery) {
	if p.full() {
		p.more = true
		if !p.isEndangered(&d) {
			d.Body = nil
		}
	} else {
		p.bytes += len(d.Body)
		p.seen++
	}
	p.held = append(p.held, d)
}

// read reads messages and gives them back.
func (p *peek) read(ctx context.Context) (err error) {
	if p.ch, err = p.conn.channel(ctx); err != nil {
		return err
	}
	ready, _, err := p.ready(ctx)
	switch {
	case isNoQueue(err):
		return nil // and the broker has closed the channel
	case err != nil:
		return err
	}
	if p.limit > 0 && !p.full() { // even for an empty queue, so that the broker reports a stream
		ready, err = p.take(ctx, ready)
	}
	// A peek that ended before the limit has found the queue empty. Messages that another
	// reader has given back since then do not count as more messages.
	if err == nil && ready > len(p.held) && (len(p.held) >= p.limit || p.full()) {
		ready, _, err = p.ready(ctx)
		p.more = p.more || ready > 0
	}
	if given := p.giveBack(ctx); err == nil || p.stuck {
		err = given
	}
	return err
}

// ready returns the number of messages that nobody holds, and the number of consumers. Both
// numbers may be a guess (see isGuess).
func (p *peek) ready(ctx context.Context) (ready, readers int, err error) {
	q, err := p.declared(ctx)
	return q.Messages, q.Consumers, err
}

func (p *peek) declared(ctx context.Context) (q amqp.Queue, err error) {
	err = p.ch.call(ctx, func(ch *amqp.Channel) (err error) {
		q, err = ch.QueueDeclarePassive(p.queue, false, false, false, false, nil)
		return err
	})
	return q, err
}

// take takes messages, of which ready are in the queue. It gets the messages of a classic
// queue one by one, because an auto-delete queue would be deleted with the end of its last
// consumer. A quorum queue gives messages back in order only if one consumer had them all. If
// the broker does not report the kind of the queue, the options decide, or the first message
// does if it was given back before.
//
// take returns how many messages were in the queue. For a quorum queue, ready may be too low.
// The answer to getting a message always has the right number.
func (p *peek) take(ctx context.Context, ready int) (all int, err error) {
	if p.kind, err = p.conn.inspect(ctx, p.queue); err != nil {
		return ready, err
	}
	p.counted = p.kind.typ == amqp.QueueTypeQuorum || p.kind.typ == "" && p.bus.settings.QuorumQueue
	if p.counted {
		if err := p.checkQueue(ready); err != nil {
			return ready, err
		}
	}
	ok, err := p.get(ctx)
	if err != nil || !ok {
		return ready, err
	}
	if _, counts := deliveriesOf(&p.held[0]); p.counted || counts {
		p.counted = true
		ready = int(p.held[0].MessageCount) + 1
		return ready, p.takeCounted(ctx, ready)
	}
	for ok && err == nil && len(p.held) < p.limit && !p.full() {
		ok, err = p.get(ctx)
	}
	return ready, err
}

// takeCounted takes the messages of a quorum queue, after the first one was taken.
func (p *peek) takeCounted(ctx context.Context, ready int) error {
	if err := p.checkQueue(ready); err != nil {
		return err
	}
	if err := p.checkDeliveries(); err != nil {
		return err
	}
	return p.consume(ctx, ready)
}

// get takes one message, unless there is none.
func (p *peek) get(ctx context.Context) (ok bool, err error) {
	var d amqp.Delivery
	err = p.ch.call(ctx, func(ch *amqp.Channel) error {
		d, ok, err = ch.Get(p.queue, false)
		return err
	})
	if ok && err == nil {
		p.hold(d)
	}
	return ok, err
}

// giveBack puts all messages back. It first ends the consumers, because the acknowledgement of
// a rescued message would make the broker send them the next one.
func (p *peek) giveBack(ctx context.Context) error {
	if p.ch.IsClosed() { // the broker has put everything back
		p.stuck = false
		return nil
	}
	left, others := p.left(ctx)
	if p.ch.IsClosed() {
		p.stuck = false
		return nil
	}
	p.halt(ctx)
	if err := p.rescue(ctx); err != nil {
		return err
	}
	if err := p.ch.giveBack(ctx); err != nil || !p.counted {
		return err
	}
	return p.awaitBack(ctx, left+len(p.held), others) // a saved message has a copy in the queue in its place
}
