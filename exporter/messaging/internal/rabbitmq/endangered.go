package rabbitmq

import (
	"context"
	"maps"
	"slices"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// An endangered holds the messages of a lane that RabbitMQ would drop if they were given back,
// because they have reached the delivery limit of their quorum queue.
type endangered struct {
	saver *peek // saves messages
	mu    sync.Mutex
	held  map[uint64]amqp.Delivery // by their delivery tags
}

func (c *consumption) newEndangered(l *lane, ch *channel) *endangered {
	return &endangered{
		saver: &peek{bus: c.bus, conn: l.conn, queue: l.queue, ch: ch, kind: l.kind, saved: map[uint64]bool{}},
		held:  map[uint64]amqp.Delivery{},
	}
}

// note keeps a message that has arrived if it is endangered.
func (e *endangered) note(d *amqp.Delivery) {
	if e.saver.isEndangered(d) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.held[d.DeliveryTag] = *d
	}
}

// acknowledged removes messages that were acknowledged, because they are not given back.
func (e *endangered) acknowledged(tags []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, tag := range tags {
		delete(e.held, tag)
	}
}

// isSaved reports whether a copy of the message was published. In that case the message itself
// is already acknowledged.
func (e *endangered) isSaved(tag uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.saver.saved[tag]
}

// rescue publishes copies of the messages, in their order. After an error it can be called
// again.
func (e *endangered) rescue(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.saver.held = nil
	for _, tag := range slices.Sorted(maps.Keys(e.held)) {
		e.saver.held = append(e.saver.held, e.held[tag])
	}
	return e.saver.rescue(ctx)
}
