package messaging

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Consume implements driver.Consumer.
func (m *messages) Consume(ctx context.Context) (driver.Consumption, error) {
	inner, err := m.bus.Consume(ctx)
	if err != nil {
		return nil, err
	}
	return &consumption{messages: m, bus: inner}, nil
}

// A consumption takes notifications from the bus. Its positions are the numbers of
// messages.
type consumption struct {
	messages *messages
	bus      bus.Consumption
	number   uint64   // of the last message
	done     uint64   // the number up to which messages are acknowledged
	damaged  []uint64 // the messages that stay on the bus unless Dispose names them
	again    bool     // the last message was, or may have been, delivered before
}

// Take implements driver.Consumption.
func (c *consumption) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return c.take(ctx, c.messages.idleTimeout)
}

// Follow implements driver.Follower.
func (c *consumption) Follow(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return c.take(ctx, 0)
}

func (c *consumption) take(ctx context.Context, idle time.Duration) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for message, err := range c.bus.Receive(ctx, idle) {
			if err != nil {
				if !yield(osprofiler.Notification{}, err) || store.Ends(err) {
					return
				}
				continue
			}
			c.number, c.again = message.Number, message.Redelivered
			n, reason := c.messages.decode(&message)
			if reason != nil {
				if !yield(osprofiler.Notification{}, c.leave(&message, reason)) {
					return
				}
				continue
			}
			if !yield(n, nil) {
				return
			}
		}
	}
}

// leave leaves a message on the bus and returns the error for it. In a queue of our own, a
// message of another program is a copy without any other reader, which would stay for ever. So
// Acknowledge removes the copy there. Dispose lets Acknowledge also remove a damaged message
// of ours.
func (c *consumption) leave(message *bus.Message, reason error) error {
	if !isForeign(reason) {
		c.damaged = append(c.damaged, message.Number)
		return &store.DamageError{Entry: message.Place, Kind: reason.Error(), Body: message.Body, Reason: stays(reason)}
	}
	if c.messages.ownQueue() {
		return &store.DamageError{Entry: message.Place, Foreign: true, Kind: reason.Error(), Reason: fmt.Errorf("%w; it is removed, because no other program reads the queue", reason)}
	}
	c.bus.Leave(message.Number)
	return left(message.Place, reason)
}

// ownQueue reports whether the bus is a RabbitMQ queue of our own, which no other program
// reads.
func (m *messages) ownQueue() bool { return !m.withEnvelope && m.broker.Queue != "" }

// left returns the error for a message that is left on the bus.
func left(place string, reason error) error {
	return &store.DamageError{Entry: place, Foreign: isForeign(reason), Kind: reason.Error(), Reason: stays(reason)}
}

func stays(reason error) error { return fmt.Errorf("%w; it stays there", reason) }

func isForeign(reason error) bool {
	var other foreignError
	return errors.As(reason, &other)
}

// Position implements driver.Consumption.
func (c *consumption) Position() string { return strconv.FormatUint(c.number, 10) }

// Redelivered implements driver.Redeliverer. On Kafka it is always true, because Kafka does
// not report earlier deliveries.
func (c *consumption) Redelivered() bool { return c.again }

// Dispose implements driver.Disposer. Kafka keeps its messages anyway; there the consumer
// group passes over the message.
func (c *consumption) Dispose(position string) {
	if number, err := strconv.ParseUint(position, 10, 64); err == nil {
		c.damaged = slices.DeleteFunc(c.damaged, func(n uint64) bool { return n == number })
	}
}

// keepDamaged leaves the damaged messages up to a number on the bus.
func (c *consumption) keepDamaged(number uint64) {
	n, _ := slices.BinarySearch(c.damaged, number+1)
	for _, damaged := range c.damaged[:n] {
		c.bus.Leave(damaged)
	}
	c.damaged = slices.Delete(c.damaged, 0, n)
}

// Leave implements driver.Consumption.
func (c *consumption) Leave(position string) {
	if number, err := strconv.ParseUint(position, 10, 64); err == nil && number > 0 && number <= c.number {
		c.bus.Leave(number)
	}
}

// Acknowledge implements driver.Consumption.
func (c *consumption) Acknowledge(ctx context.Context, position string) error {
	number, err := strconv.ParseUint(position, 10, 64)
	if err != nil || number > c.number {
		return fmt.Errorf("%q is no position of this consumption of %s", position, c.messages.Name())
	}
	if number <= c.done {
		return nil
	}
	c.keepDamaged(number)
	if err := c.bus.Acknowledge(ctx, number); err != nil {
		return err
	}
	c.done = number
	return nil
}

// Close implements driver.Consumption.
func (c *consumption) Close() error { return c.bus.Close() }
