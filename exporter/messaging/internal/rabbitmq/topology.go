package rabbitmq

import (
	"context"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// A declarer declares exchanges, queues and bindings. The broker closes the channel with a
// refusal, after which the declarer opens another one.
type declarer struct {
	bus  *Bus
	conn *conn
	ch   *channel
	// unbound is the refusal of a binding, or nil. The queue may already be bound.
	unbound error
}

// declarePublishing declares what Publish needs, as oslo.messaging's notifier does: the first
// exchange, and the queue of the first topic. So no message is lost before somebody reads.
func (b *Bus) declarePublishing(ctx context.Context, c *conn) (unbound, err error) {
	d := &declarer{bus: b, conn: c}
	defer d.end(ctx)
	exchange, topic := b.config.Exchanges[0], b.config.Topics[0]
	if err := d.exchange(ctx, exchange); err != nil {
		return nil, err
	}
	if err := d.queue(ctx, topic, b.settings.durable(), b.settings.AutoDelete); err != nil {
		return nil, err
	}
	return d.unbound, d.bind(ctx, topic, exchange, topic)
}

// declareReading declares what a Consumption needs to read one queue: the queue, bound to all
// exchanges.
func (b *Bus) declareReading(ctx context.Context, c *conn, queue string) error {
	d := &declarer{bus: b, conn: c}
	defer d.end(ctx)
	for _, exchange := range b.config.Exchanges {
		if err := d.exchange(ctx, exchange); err != nil {
			return err
		}
	}
	topics, durable, autoDelete := []string{queue}, b.settings.durable(), b.settings.AutoDelete
	if b.config.Queue != "" {
		topics, durable, autoDelete = b.config.Topics, true, false
	}
	if err := d.queue(ctx, queue, durable, autoDelete); err != nil {
		return err
	}
	return d.bindAll(ctx, queue, topics)
}

func (d *declarer) bindAll(ctx context.Context, queue string, topics []string) error {
	for _, exchange := range d.bus.config.Exchanges {
		for _, topic := range topics {
			if err := d.bind(ctx, queue, exchange, topic); err != nil {
				return err
			}
		}
	}
	return nil
}

// exchange declares a topic exchange. An existing exchange with other properties is used
// unchanged. The exchange "" always exists.
func (d *declarer) exchange(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	s := &d.bus.settings
	err := d.do(ctx, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclare(name, amqp.ExchangeTopic, s.durable(), s.AutoDelete, false, false, nil)
	})
	return d.existing(err, "exchange", name, func() error {
		return d.do(ctx, func(ch *amqp.Channel) error {
			return ch.ExchangeDeclarePassive(name, amqp.ExchangeTopic, s.durable(), s.AutoDelete, false, false, nil)
		})
	})
}

// queue declares a queue. An existing queue with other properties is used unchanged.
func (d *declarer) queue(ctx context.Context, name string, durable, autoDelete bool) error {
	err := d.do(ctx, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(name, durable, autoDelete, false, false, d.bus.settings.arguments())
		return err
	})
	return d.existing(err, "queue", name, func() error {
		return d.do(ctx, func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclarePassive(name, durable, autoDelete, false, false, nil)
			return err
		})
	})
}

// existing checks whether the object that could not be declared already exists. A declaration
// fails because the object was declared with other properties, or because the user may not
// declare.
func (d *declarer) existing(err error, kind, name string, look func() error) error {
	code := codeOf(err)
	if code != amqp.PreconditionFailed && code != amqp.AccessRefused {
		return err
	}
	switch missing := look(); {
	case codeOf(missing) != amqp.NotFound:
		return missing
	case code == amqp.PreconditionFailed:
		return explained.New(&propertiesError{err}, "%s does not take the properties of the %s %q that the options of the connection string ask for: %s",
			d.conn.name, kind, name, reasonOf(err))
	}
	return explained.New(err, "%s has no %s %q in the virtual host %q, and does not let the user of the connection string declare it: "+
		"an administrator should declare it, or give the user the permission to configure it", d.conn.name, kind, name, d.bus.config.VirtualHost)
}

// bind binds a queue. If the user may not bind, existing bindings are used.
func (d *declarer) bind(ctx context.Context, queue, exchange, topic string) error {
	if exchange == "" { // all queues are bound to the exchange "" by their names
		return nil
	}
	err := d.do(ctx, func(ch *amqp.Channel) error { return ch.QueueBind(queue, topic, exchange, false, nil) })
	if codeOf(err) == amqp.AccessRefused {
		d.unbound = err
		return nil
	}
	return err
}

// do runs a call on the channel of the declarer.
func (d *declarer) do(ctx context.Context, f func(*amqp.Channel) error) (err error) {
	if d.ch == nil || d.ch.IsClosed() {
		if d.ch, err = d.conn.channel(ctx); err != nil {
			return err
		}
	}
	return d.ch.call(ctx, f)
}

// end closes the channel.
func (d *declarer) end(ctx context.Context) {
	if d.ch != nil && !d.conn.isLost() {
		_ = d.ch.giveBack(ctx) // the channel holds no messages
	}
}

// arguments returns the arguments with which oslo.messaging declares queues.
func (s *Settings) arguments() amqp.Table {
	args := amqp.Table{}
	if s.HAQueues {
		args["x-ha-policy"] = "all"
	}
	if !s.QuorumQueue {
		return args
	}
	args[amqp.QueueTypeArg] = amqp.QueueTypeQuorum
	for name, limit := range map[string]int{
		"x-delivery-limit": s.DeliveryLimit, "x-max-in-memory-length": s.MaxMemoryLength, "x-max-in-memory-bytes": s.MaxMemoryBytes,
	} {
		if limit > 0 {
			args[name] = int64(limit)
		}
	}
	return args
}
