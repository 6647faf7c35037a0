package rabbitmq

import (
	"context"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A publisher is a connection for publishing, with a channel in confirm mode. Only one
// goroutine may use it at a time.
type publisher struct {
	bus     *Bus
	conn    *conn    // nil before it is connected
	ch      *channel // nil if the next message needs a new one
	left    *channel // a channel with messages whose confirms are no longer awaited, or nil
	returns chan amqp.Return
	unbound error // the refusal of the binding, or nil
}

// connected connects unless there is already a connection.
func (p *publisher) connected(ctx context.Context) (err error) {
	if p.conn != nil && p.conn.isLost() {
		p.close()
	}
	if p.conn == nil {
		p.conn, err = p.bus.connect(ctx)
	}
	return err
}

// ready connects, waits while the broker has an alarm, and opens a channel on which everything
// is declared. A message that was sent before the alarm is still in the connection. So a
// connection that waits is kept.
func (p *publisher) ready(ctx context.Context) error {
	if err := p.connected(ctx); err != nil {
		return err
	}
	if err := p.conn.awaitUnblocked(ctx); err != nil {
		return err
	}
	if p.ch != nil && !p.ch.IsClosed() {
		return nil
	}
	return p.renew(ctx)
}

// renew declares everything again, and opens a channel.
func (p *publisher) renew(ctx context.Context) (err error) {
	for _, old := range []*channel{p.left, p.ch} {
		if old != nil && !old.IsClosed() {
			if err := old.giveBack(ctx); err != nil {
				return err
			}
		}
	}
	p.ch, p.left = nil, nil
	if p.unbound, err = p.bus.declarePublishing(ctx, p.conn); err != nil {
		return err
	}
	ch, err := p.conn.channel(ctx)
	if err != nil {
		return err
	}
	if err := ch.call(ctx, func(ch *amqp.Channel) error { return ch.Confirm(false) }); err != nil {
		return err
	}
	p.ch, p.returns = ch, ch.NotifyReturn(make(chan amqp.Return, mostSent))
	return nil
}

// leave gives up the channel, whose last confirms did not come. If the broker has blocked the
// connection, the connection stays open. A closed one would still be read to its end after the
// alarm, and each attempt would leave another copy of the messages in a new connection.
func (p *publisher) leave() {
	p.left, p.ch = p.ch, nil
	if alarm, _ := p.conn.blocked(); alarm == "" {
		p.conn.abort()
		p.close()
	}
}

func (p *publisher) close() {
	if p.conn != nil {
		p.conn.close()
	}
	p.conn, p.ch, p.left = nil, nil, nil
}
