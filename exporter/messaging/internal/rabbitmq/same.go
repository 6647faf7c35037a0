package rabbitmq

import (
	"context"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// Same implements bus.Bus. Servers of one cluster have the same cluster name, but two clusters
// may share a name. An exclusive queue distinguishes them, because only its own cluster knows
// it.
func (b *Bus) Same(ctx context.Context, other bus.Bus) (bool, error) {
	o, ok := other.(*Bus)
	if !ok || o.config.VirtualHost != b.config.VirtualHost {
		return false, nil
	}
	mine, err := b.connect(ctx)
	if err != nil {
		return false, b.transient(ctx, err)
	}
	defer mine.close()
	theirs, err := o.connect(ctx)
	if err != nil {
		return false, o.transient(ctx, err)
	}
	defer theirs.close()
	if mine.amqp.Properties["cluster_name"] != theirs.amqp.Properties["cluster_name"] {
		return false, nil
	}
	name, err := exclusiveQueue(ctx, mine)
	if err != nil { // the user may not declare, so that only the names are compared
		return true, nil
	}
	err = onChannel(ctx, theirs, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclarePassive(name, false, false, false, false, nil)
		return err
	})
	return codeOf(err) != amqp.NotFound, nil
}

// exclusiveQueue declares a queue that is deleted with the connection.
func exclusiveQueue(ctx context.Context, c *conn) (name string, err error) {
	err = onChannel(ctx, c, func(ch *amqp.Channel) error {
		q, err := ch.QueueDeclare("", false, true, true, false, nil)
		name = q.Name
		return err
	})
	return name, err
}

// onChannel calls f with a new channel, which stays open until the connection ends.
func onChannel(ctx context.Context, c *conn, f func(*amqp.Channel) error) error {
	ch, err := c.channel(ctx)
	if err != nil {
		return err
	}
	return ch.call(ctx, f)
}
