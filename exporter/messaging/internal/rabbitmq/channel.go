package rabbitmq

import (
	"context"
	"errors"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A channel is an open channel of a connection. The broker closes a channel when it
// refuses a request.
type channel struct {
	*amqp.Channel
	conn *conn
	// closed waits for the answer with which the broker closed the channel, or nil.
	closed func() *amqp.Error
}

// channel opens a channel.
func (c *conn) channel(ctx context.Context) (*channel, error) {
	g := c.guard(ctx)
	defer g.end()
	opened, err := c.amqp.Channel()
	if err != nil {
		return nil, c.why(err)
	}
	closes := opened.NotifyClose(make(chan *amqp.Error, 1))
	return &channel{Channel: opened, conn: c, closed: sync.OnceValue(func() *amqp.Error { return <-closes })}, nil
}

// call runs a call of the client library, which has no context.
func (ch *channel) call(ctx context.Context, f func(*amqp.Channel) error) error {
	g := ch.conn.guard(ctx)
	defer g.end()
	return ch.why(f(ch.Channel))
}

// why returns the reason for an error. It is the answer with which the broker closed the
// channel, or the reason for which the connection ended.
func (ch *channel) why(err error) error {
	var answer *amqp.Error
	if err == nil || errors.As(err, &answer) && answer.Server {
		return err
	}
	if ch.IsClosed() {
		// The answer arrives, or the notifications end, soon after the channel is marked as
		// closed.
		if answer := ch.closed(); answer != nil && answer.Server {
			return answer
		}
	}
	return ch.conn.why(err)
}

// giveBack closes the channel. The broker then puts unacknowledged messages back to their
// places.
func (ch *channel) giveBack(ctx context.Context) error {
	return ch.call(ctx, (*amqp.Channel).Close)
}
