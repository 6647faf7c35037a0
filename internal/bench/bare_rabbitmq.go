package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rabbitmq/amqp091-go"
)

type bareRabbitMQ struct {
	connection *amqp091.Connection
	publisher  *amqp091.Channel
}

// The exchange and the queue of oslo.messaging's notifications for profilers.
const (
	busExchange = "openstack"
	busQueue    = "profiler.info"
)

func openRabbitMQ(_ context.Context, url string) (bareBus, error) {
	connection, err := amqp091.Dial("amqp" + strings.TrimPrefix(url, "rabbit"))
	if err != nil {
		return nil, err
	}
	b := &bareRabbitMQ{connection: connection}
	if b.publisher, err = connection.Channel(); err == nil {
		err = b.publisher.Confirm(false)
	}
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return b, nil
}

func (b *bareRabbitMQ) close() error { return b.connection.Close() }

func (b *bareRabbitMQ) publish(ctx context.Context, bodies [][]byte) error {
	confirms := make([]*amqp091.DeferredConfirmation, len(bodies))
	for i, body := range bodies {
		var err error
		confirms[i], err = b.publisher.PublishWithDeferredConfirmWithContext(ctx, busExchange, busQueue, true, false, amqp091.Publishing{
			ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: amqp091.Persistent, Body: body,
		})
		if err != nil {
			return err
		}
	}
	for _, c := range confirms {
		if ok, err := c.WaitContext(ctx); err != nil || !ok {
			return fmt.Errorf("a message is not confirmed: %w", err)
		}
	}
	return nil
}

func (b *bareRabbitMQ) take(ctx context.Context, count int) (bodies [][]byte, err error) {
	channel, err := b.connection.Channel()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, channel.Close()) }()
	if err := channel.Qos(2*takenAtOnce, 0, false); err != nil {
		return nil, err
	}
	deliveries, err := channel.ConsumeWithContext(ctx, busQueue, "", false, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	bodies = make([][]byte, 0, count)
	for len(bodies) < count {
		delivery, ok := <-deliveries
		if !ok {
			return nil, errors.New("the consumer was canceled")
		}
		bodies = append(bodies, delivery.Body)
		if len(bodies)%takenAtOnce == 0 || len(bodies) == count {
			if err := delivery.Ack(true); err != nil {
				return nil, err
			}
		}
	}
	return bodies, nil
}
