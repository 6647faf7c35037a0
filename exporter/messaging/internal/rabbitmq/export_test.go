package rabbitmq

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// SetMostBytes sets the size of the bodies after which a Peek ends.
func SetMostBytes(b *Bus, size int) { b.mostBytes = size }

// Crowd makes the lanes of a Consumption look as if they had held too many messages that are
// not ours for the given time.
func Crowd(consumer bus.Consumption, since time.Duration) {
	c := consumer.(*consumption)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		l.left, l.leftSince = mostLeft, time.Now().Add(-since)
	}
}

// SaveSome publishes copies of endangered messages, as an attempt does that fails after
// publishing them.
func SaveSome(ctx context.Context, consumer bus.Consumption, tags ...uint64) error {
	c := consumer.(*consumption)
	c.mu.Lock()
	e := c.lanes[0].session.endangered
	c.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	var messages []*amqp.Delivery
	for _, tag := range tags {
		d := e.held[tag]
		messages = append(messages, &d)
	}
	return e.saver.save(ctx, messages)
}

// Age makes the lanes of a Consumption look as if they had held their messages for the given
// time.
func Age(consumer bus.Consumption, since time.Duration) {
	c := consumer.(*consumption)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		l.leftSince = time.Now().Add(-since)
	}
}

// Prefetch returns the prefetch count of the consumer of the first lane, or 0.
func Prefetch(consumer bus.Consumption) int {
	c := consumer.(*consumption)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.lanes[0].stream; s != nil {
		return s.prefetch
	}
	return 0
}
