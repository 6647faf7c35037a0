package rabbitmq_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// oneMore declares a quorum queue whose messages can be peeked at only once, and peeks.
func oneMore(t *testing.T, c bus.Config, b bus.Bus, messages int) {
	t.Helper()
	if _, err := bare(t, c).QueueDeclare(topic, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": 1}); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, newBus(t, c, rabbitmq.Settings{}), outgoing(0, messages))
	if err := peekError(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// user returns the configuration of another user, who has the rights to configure and
// to read.
func user(t *testing.T, location, name, write string) (c bus.Config, permit func(write string)) {
	t.Helper()
	view, c := testenv.RabbitMQAPI(t, location), config(t, location)
	name += "-" + c.VirtualHost
	view.AddUser(name, testenv.Password)
	permit = func(write string) { view.Permit(name, ".*", write, ".*") }
	permit(write)
	c.Servers[0].User, c.Servers[0].Password = name, testenv.Password
	return c, permit
}

// A message of another user, which names a second queue, is also rescued, and is not routed to
// the second queue.
func TestRescueForeignMessage(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c, view := config(t, location), testenv.RabbitMQAPI(t, location)
	theirs, _ := user(t, location, "osp-other", ".*")
	b := newBus(t, c, rabbitmq.Settings{})
	oneMore(t, c, b, 0)
	ch := bare(t, theirs)
	if _, err := ch.QueueDeclare("copies", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	confirm, err := ch.PublishWithDeferredConfirm("", topic, true, false, amqp.Publishing{
		UserId: theirs.Servers[0].User, Headers: amqp.Table{"CC": []any{"copies"}}, Body: []byte("foreign"), MessageId: "7",
	})
	if err != nil || !confirm.Wait() {
		t.Fatal(err)
	}
	for round := range 4 { // the second and the fourth are refused and rescue the message
		if err := peekError(t.Context(), b); (round%2 == 1) != (err != nil) || err != nil && !strings.Contains(err.Error(), "is not looked at") {
			t.Errorf("round %d: %v", round, err)
		}
	}
	got := view.Take(topic)
	if len(got) != 1 || string(got[0].Body) != "foreign" || got[0].Properties.MessageID != "7" || got[0].Properties.Headers["osp-CC"] == nil {
		t.Errorf("the queue has %+v", got)
	}
	if is, _ := got[0].Properties.Headers["osp-rescued"].(bool); !is {
		t.Errorf("the copy does not tell that the message was delivered before: %+v", got[0])
	}
	wantTexts(t, "the other queue", inQueue(t, location, "copies"), []string{"foreign"})
}

// A user may not publish. A message that can be neither given back nor rescued is held until
// one of these is possible.
func TestRescueFails(t *testing.T) {
	for _, end := range []string{"peek", "close"} {
		t.Run(end, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			c, permit := user(t, location, "osp-reader", "")
			b := rabbitmq.New(c, rabbitmq.Settings{})
			oneMore(t, config(t, location), b, 1)
			for range 3 {
				err := peekError(t.Context(), b)
				if err == nil || !strings.Contains(err.Error(), "has reached its delivery limit") || !strings.Contains(err.Error(), "ACCESS_REFUSED") {
					t.Error(err)
				}
			}
			permit("amq.default")
			if end == "peek" {
				got, _ := peek(t, b, 10)
				wantTexts(t, "the next peek", got, texts(0, 1))
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			wantTexts(t, "in the queue", inQueue(t, location, topic), texts(0, 1))
		})
	}
}

// turns gives messages back, so that the first message has been delivered once and the others
// three times.
func turns(t *testing.T, ch *amqp.Channel, messages int) {
	t.Helper()
	get := func() amqp.Delivery {
		t.Helper()
		d, ok, err := ch.Get(topic, false)
		for began := time.Now(); err == nil && !ok && time.Since(began) < patience; time.Sleep(5 * time.Millisecond) {
			d, ok, err = ch.Get(topic, false) // a quorum queue takes a message back with a short delay
		}
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return d
	}
	back := func(all ...amqp.Delivery) {
		t.Helper()
		for i := range all {
			if err := all[i].Nack(false, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := get()
	for turn := range 3 {
		var others []amqp.Delivery
		for range messages - 1 {
			others = append(others, get())
		}
		if turn == 2 {
			back(first)
		}
		back(others...)
	}
}

// While messages are rescued, no consumer of the peek gets further messages: the copies have
// not been delivered yet when the peek ends.
func TestRescueBringsNothingNew(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	ch := bare(t, c)
	if _, err := ch.QueueDeclare(topic, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": 3}); err != nil {
		t.Fatal(err)
	}
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 5))
	turns(t, ch, 5)
	got, _ := peek(t, b, 5)
	slices.Sort(got)
	wantTexts(t, "the peek", got, texts(0, 5))
	counts := map[string]any{}
	for _, m := range testenv.RabbitMQAPI(t, location).Take(topic) {
		counts[string(m.Body)] = m.Properties.Headers["x-delivery-count"]
	}
	for _, body := range texts(1, 4) {
		if count, ok := counts[body]; !ok || count != nil && count != 0.0 {
			t.Errorf("the copy of %s was delivered %v times: %v", body, count, counts)
		}
	}
}

// During an alarm, a peek does not wait longer than its context for another peek that tries to
// rescue messages.
func TestPeekBesideARescue(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	oneMore(t, c, newBus(t, c, rabbitmq.Settings{}), 1)
	c.Timeout = patience
	b := rabbitmq.New(c, rabbitmq.Settings{})
	server.RaiseMemoryAlarm()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := peekError(ctx, b); err == nil {
		t.Error("the peek does not fail")
	}
	rescuing := make(chan error, 1)
	go func() { rescuing <- peekError(context.WithoutCancel(ctx), b) }()
	time.Sleep(100 * time.Millisecond)
	short, cancelShort := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancelShort()
	began := time.Now()
	if err := peekError(short, b); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > patience/2 {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	server.ClearMemoryAlarm()
	if err := <-rescuing; err != nil {
		t.Logf("the peek behind the alarm: %v", err) // the message has had all its deliveries
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	all := inQueue(t, server.RabbitMQ(), topic)
	wantTexts(t, "in the queue", slices.Compact(all), texts(0, 1))
}
