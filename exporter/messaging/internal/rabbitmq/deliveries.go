package rabbitmq

import (
	"errors"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// deliveryCount is the header in which a quorum queue counts how often a message was given
// back.
const deliveryCount = "x-delivery-count"

// deliveriesOf returns how often a message was given back, if its queue counts that.
func deliveriesOf(d *amqp.Delivery) (count int64, ok bool) {
	switch n := d.Headers[deliveryCount].(type) {
	case int64:
		return n, true
	case int32:
		return int64(n), true
	case int16:
		return int64(n), true
	case int8:
		return int64(n), true
	case uint8:
		return int64(n), true
	}
	return 0, false
}

// deliveryLimit returns how often a message may be given back before RabbitMQ drops it, or 0
// if there is no limit. known reports whether the connection string or the queue states the
// limit. A limit from a policy, and the default of the broker, cannot be seen.
func (p *peek) deliveryLimit() (limit int64, known bool) {
	given, declared := int64(p.bus.settings.DeliveryLimit), p.kind.limit
	switch {
	case declared <= 0:
		return max(given, 0), given != 0
	case given > 0:
		return min(given, declared), true
	}
	return declared, true
}

// errDeliveries is the error for a quorum queue that might lose messages, or their order.
var errDeliveries = errors.New("the quorum queue is not looked at")

// checkQueue refuses a quorum queue whose delivery limit is unknown, or which has more
// messages than may be taken. If only some messages were taken, they would go back behind
// messages that were given back earlier and not taken now.
func (p *peek) checkQueue(ready int) error {
	if _, known := p.deliveryLimit(); !known {
		return explained.New(errDeliveries, "the quorum queue %q of %s is not looked at, because each look counts as a delivery, "+
			"and RabbitMQ drops a message after a number of deliveries that cannot be seen: the connection string should say it by the option "+
			"rabbit_quorum_delivery_limit (-1 for a queue without a limit)", p.queue, p.conn.name)
	}
	if ready > p.limit {
		return explained.New(errDeliveries, "the quorum queue %q of %s is not looked at, because it has %d messages, and a look at a part of them "+
			"would change their order: option osp_peek of the connection string should be at least %d", p.queue, p.conn.name, ready, p.before+ready)
	}
	return nil
}

// checkDeliveries refuses a quorum queue whose first message has used half of its deliveries.
// The other half is for readers that fail. The check itself costs that message one more
// delivery, because the count is visible only on messages.
func (p *peek) checkDeliveries() error {
	count, _ := deliveriesOf(&p.held[0])
	limit, _ := p.deliveryLimit()
	if limit == 0 || 2*count < limit {
		return nil
	}
	return explained.New(errDeliveries, "the quorum queue %q of %s is not looked at, because each look counts as a delivery: "+
		"its first message has had %d, and RabbitMQ drops a message after %d; the queue should be consumed", p.queue, p.conn.name, count, limit)
}
