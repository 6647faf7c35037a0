package rabbitmq_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A quorum queue drops messages that were given back more often than its limit. However often
// a Consumption ends, no message is lost: neither messages that were left, nor messages that
// were received or only sent ahead.
func TestConsumeDeliveryLimit(t *testing.T) {
	const all = 60
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	if _, err := bare(t, c).QueueDeclare(topic, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": 2}); err != nil {
		t.Fatal(err)
	}
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, all))
	for range 8 {
		reader := consume(t, b)
		got := receive(t, reader, 20)
		for _, m := range got[:5] {
			reader.Leave(m.Number)
		}
		time.Sleep(50 * time.Millisecond) // others are sent ahead
		acknowledge(t, reader, got[4].Number)
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := bodies(receive(t, consume(t, b), all))
	slices.SortFunc(got, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	wantTexts(t, "in the queue", got, texts(0, all))
}

// A message that can be neither given back nor saved is held until the Bus is closed.
func TestConsumeRescueFails(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c, permit := user(t, location, "osp-reader", "")
	b := rabbitmq.New(c, rabbitmq.Settings{})
	oneMore(t, config(t, location), b, 1)
	reader, err := b.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receive(t, reader, 1)
	if err := reader.Close(); err == nil || !strings.Contains(err.Error(), "has reached its delivery limit") {
		t.Errorf("the error is %v", err)
	}
	permit(".*")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	await(t, "the message is there", func() bool { return testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == 1 })
}

// A message that was saved is not acknowledged a second time, because that would close the
// channel.
func TestAcknowledgeBehindARescue(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	b := newBus(t, c, rabbitmq.Settings{})
	oneMore(t, c, b, 6)
	reader := consume(t, b)
	got := receive(t, reader, 6)
	reader.Leave(got[3].Number)
	if err := rabbitmq.SaveSome(t.Context(), reader, 1, 3, 5); err != nil {
		t.Fatal(err)
	}
	copies := receive(t, reader, 3)
	acknowledge(t, reader, got[0].Number)
	acknowledge(t, reader, got[5].Number)
	acknowledge(t, reader, copies[2].Number)
	mustPublish(t, b, outgoing(6, 1))
	next := receive(t, reader, 1)
	wantTexts(t, "received next", bodies(next), texts(6, 1)) // a new channel would begin with the fourth
	acknowledge(t, reader, next[0].Number)
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	testenv.RabbitMQAPI(t, location).AwaitQueue(topic, func(q testenv.RabbitMQQueue) bool { return q.Ready == 1 && q.Unacknowledged == 0 })
	wantTexts(t, "left", inQueue(t, location, topic), texts(3, 1))
}

// Messages that were on their way when a renewal failed are received, although the broker does
// not send them again.
func TestRenewalFails(t *testing.T) {
	const all = 10
	location := testenv.RabbitMQ(t)
	c, permit := user(t, location, "osp-renewing", "")
	b := rabbitmq.New(c, rabbitmq.Settings{Renewal: time.Second})
	oneMore(t, config(t, location), newBus(t, config(t, location), rabbitmq.Settings{}), all)
	reader, err := b.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := receive(t, reader, 1)
	reader.Leave(got[0].Number)
	time.Sleep(2200 * time.Millisecond) // now the lane is old
	got = append(got, receive(t, reader, 1)...)
	time.Sleep(500 * time.Millisecond) // time for the renewal
	got = append(got, receive(t, reader, all-2)...)
	wantTexts(t, "received once", bodies(got), texts(0, all))
	acknowledge(t, reader, got[all-1].Number)
	permit(".*")
	if err := errors.Join(reader.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	testenv.RabbitMQAPI(t, location).AwaitQueue(topic, func(q testenv.RabbitMQQueue) bool { return q.Ready >= 1 && q.Unacknowledged == 0 })
}
