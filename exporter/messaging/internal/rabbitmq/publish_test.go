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
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Without any earlier declaration, the messages arrive in the queue that oslo.messaging's
// readers read, with the properties of oslo.messaging.
func TestPublish(t *testing.T) {
	location := testenv.RabbitMQ(t)
	b := newBus(t, config(t, location), rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 2500))
	view := testenv.RabbitMQAPI(t, location)
	q := view.Queues()[topic]
	if q.Durable || q.AutoDelete || q.Exclusive || len(q.Arguments) > 0 || q.Type != "classic" || q.Messages != 2500 {
		t.Errorf("the queue is %+v", q)
	}
	messages := view.Take(topic)
	var got []string
	for _, m := range messages {
		got = append(got, string(m.Body))
	}
	wantTexts(t, "in the queue", got, texts(0, 2500))
	want := testenv.RabbitMQProperties{ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: 2}
	if p := messages[0].Properties; len(p.Headers) > 0 || p.ContentType != want.ContentType ||
		p.ContentEncoding != want.ContentEncoding || p.DeliveryMode != 2 || p.Priority != 0 || p.MessageID != "" {
		t.Errorf("the properties are %+v", p)
	}
	if m := messages[0]; m.Exchange != exchange || m.RoutingKey != topic {
		t.Errorf("exchange %q and routing key %q", m.Exchange, m.RoutingKey)
	}
}

// A deleted queue is declared again, and messages that came back are published again.
func TestReturned(t *testing.T) {
	location := testenv.RabbitMQ(t)
	b := newBus(t, config(t, location), rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 1))
	testenv.RabbitMQAPI(t, location).Delete(topic)
	same := append(outgoing(1, 10), outgoing(1, 2)...) // two messages occur twice
	mustPublish(t, b, same)
	wantTexts(t, "in the new queue", inQueue(t, location, topic), append(texts(1, 10), texts(1, 2)...))
}

// A user who may not bind cannot publish while nobody has bound a queue.
func TestNotBound(t *testing.T) {
	location := testenv.RabbitMQ(t)
	view, c := testenv.RabbitMQAPI(t, location), config(t, location)
	view.AddUser("osp-writer-"+c.VirtualHost, testenv.Password)
	view.Permit("osp-writer-"+c.VirtualHost, "", exchange, "")
	ch := bare(t, c)
	if err := ch.ExchangeDeclare(exchange, "topic", false, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	view.Declare(topic, false, nil)
	c.Servers[0].User, c.Servers[0].Password = "osp-writer-"+c.VirtualHost, testenv.Password
	b := newBus(t, c, rabbitmq.Settings{})
	out := publish(t, b, outgoing(0, 3))
	if len(out.Missing()) != 3 || out.Transient() || !strings.Contains(out.Reason().Error(), "may not bind the queue") {
		t.Errorf("missing %v, transient %v: %v", out.Missing(), out.Transient(), out.Reason())
	}
	if err := ch.QueueBind(topic, topic, exchange, false, nil); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, b, outgoing(0, 3)) // without the right to declare
}

// A permanent refusal is reported as permanent, even if it comes in the middle of a batch.
func TestForbidden(t *testing.T) {
	location := testenv.RabbitMQ(t)
	view, c := testenv.RabbitMQAPI(t, location), config(t, location)
	mustPublish(t, newBus(t, c, rabbitmq.Settings{}), outgoing(0, 1))
	user := "osp-writer-" + c.VirtualHost
	view.AddUser(user, testenv.Password)
	view.Permit(user, "", "", ".*")
	c.Servers[0].User, c.Servers[0].Password = user, testenv.Password
	b := newBus(t, c, rabbitmq.Settings{})
	for range 5 {
		out := publish(t, b, outgoing(0, 1000))
		if len(out.Missing()) != 1000 || out.Transient() || !strings.Contains(out.Reason().Error(), "ACCESS_REFUSED") {
			t.Fatalf("%d missing, transient %v: %v", len(out.Missing()), out.Transient(), out.Reason())
		}
	}
}

// Messages that come back repeatedly do not use up the channels of the connection.
func TestReturnedAgainAndAgain(t *testing.T) {
	server := testenv.StartRabbitMQ(t, "channel_max = 8")
	c := config(t, server.RabbitMQ())
	view := testenv.RabbitMQAPI(t, server.RabbitMQ())
	view.AddUser("writer", testenv.Password)
	view.Permit("writer", "", exchange, "")
	ch := bare(t, c)
	if err := ch.ExchangeDeclare(exchange, "topic", false, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	view.Declare(topic, false, nil)
	bound := c
	bound.Servers = slices.Clone(c.Servers)
	bound.Servers[0].User, bound.Servers[0].Password = "writer", testenv.Password
	b := newBus(t, bound, rabbitmq.Settings{})
	for range 20 {
		if out := publish(t, b, outgoing(0, 1)); !strings.Contains(out.Reason().Error(), "may not bind the queue") {
			t.Fatal(out.Reason())
		}
	}
	if err := ch.QueueBind(topic, topic, exchange, false, nil); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, b, outgoing(0, 3))
}

func TestExchangeDeleted(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 1))
	if err := bare(t, c).ExchangeDelete(exchange, false, false); err != nil {
		t.Fatal(err)
	}
	out := publish(t, b, outgoing(1, 2))
	if len(out.Missing()) != 2 || !out.Transient() || !strings.Contains(out.Reason().Error(), "no exchange") {
		t.Errorf("missing %v, transient %v: %v", out.Missing(), out.Transient(), out.Reason())
	}
	mustPublish(t, b, outgoing(1, 2))
	wantTexts(t, "in the queue", inQueue(t, location, topic), texts(0, 3))
}

// Only the message that exceeds the broker's size limit is refused, the first time and when
// the limit is known.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t, "max_message_size = 200000")
	b := newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{})
	for round := range 2 {
		messages := outgoing(round*10, 10)
		for _, i := range []int{0, 3, 9} {
			messages[i].Body = []byte(strings.Repeat("x", 200_001))
		}
		messages[4].Body = []byte(strings.Repeat("y", 199_000))
		out := publish(t, b, messages)
		if len(out.Missing()) > 0 || !slices.Equal(out.Refused(), []int{0, 3, 9}) {
			t.Errorf("missing %v, refused %v: %v", out.Missing(), out.Refused(), out.Err())
		}
	}
	got := inQueue(t, server.RabbitMQ(), topic)
	if len(got) != 14 || got[0] != text(1) || got[13] != text(18) {
		t.Errorf("%d messages, from %.20s to %.20s", len(got), got[0], got[len(got)-1])
	}
}

// The limit is below the size from which messages are sent alone. It is determined again on
// each connection, because an operator may have raised it.
func TestTooLargeAmongOthers(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t, "max_message_size = 1000")
	b := newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{DurableQueues: true})
	messages := func(size int) []bus.Outgoing {
		all := outgoing(0, 50)
		for _, i := range []int{7, 30, 31} {
			all[i].Body = []byte(strings.Repeat("x", size))
		}
		return all
	}
	for range 2 {
		out := publish(t, b, messages(1001))
		if len(out.Missing()) > 0 || !slices.Equal(out.Refused(), []int{7, 30, 31}) {
			t.Fatalf("missing %v, refused %v: %v", out.Missing(), out.Refused(), out.Err())
		}
	}
	got := inQueue(t, server.RabbitMQ(), topic)
	for i := range 50 { // messages before the first refusal may occur twice
		if n := slices.Index(got, text(i)); n < 0 != (i == 7 || i == 30 || i == 31) {
			t.Errorf("%s is at %d", text(i), n)
		}
	}
	server.RabbitMQCtl("eval", `persistent_term:put(max_message_size, 5000), application:set_env(rabbit, max_message_size, 5000).`)
	server.CloseConnections("maintenance")
	await(t, "the raised limit holds", func() bool {
		out := publish(t, b, messages(4000))
		return len(out.Missing())+len(out.Refused()) == 0
	})
}

// A full queue refuses messages with a clear error, and keeps the messages that it has.
func TestFullQueue(t *testing.T) {
	location := testenv.RabbitMQ(t)
	view := testenv.RabbitMQAPI(t, location)
	view.Declare(topic, false, map[string]any{"x-max-length": 5, "x-overflow": "reject-publish"})
	b := newBus(t, config(t, location), rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 5))
	out := publish(t, b, outgoing(5, 5))
	if len(out.Missing()) == 0 || !out.Transient() || !strings.Contains(out.Reason().Error(), "its queue is full") {
		t.Errorf("missing %v, transient %v: %v", out.Missing(), out.Transient(), out.Reason())
	}
	got := inQueue(t, location, topic)
	if want := 10 - len(out.Missing()); len(got) != want {
		t.Errorf("%d messages in the queue, %d were confirmed", len(got), want)
	}
	mustPublish(t, b, outgoing(5, 3))
}

// An alarm that outlasts the timeout is an error that says so. The connection is used again
// after the alarm.
func TestAlarm(t *testing.T) {
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	c.Timeout = 2 * time.Second
	for _, alarm := range []struct {
		name         string
		raise, clear func()
	}{{"memory", server.RaiseMemoryAlarm, server.ClearMemoryAlarm}, {"disk", server.RaiseDiskAlarm, server.ClearDiskAlarm}} {
		t.Run(alarm.name, func(t *testing.T) {
			mustPublish(t, newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{}), outgoing(0, 1))
			b := newBus(t, c, rabbitmq.Settings{})
			await(t, "connecting", func() bool { return b.Ping(t.Context(), false) == nil })
			alarm.raise()
			for range 3 {
				out := publish(t, b, outgoing(1, 5))
				if len(out.Missing()) == 0 || !out.Transient() || !strings.Contains(out.Reason().Error(), "alarm: low on "+alarm.name) {
					t.Errorf("missing %v, transient %v: %v", out.Missing(), out.Transient(), out.Reason())
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			out := outcome.Of(nil)
			b.Publish(ctx, outgoing(1, 5), out)
			cancel()
			if len(out.Missing()) != 5 || !strings.Contains(out.Reason().Error(), "alarm") {
				t.Errorf("missing %v: %v", out.Missing(), out.Reason())
			}
			alarm.clear()
			await(t, "publishing after the alarm", func() bool { return len(publish(t, b, outgoing(1, 5)).Missing()) == 0 })
			got := inQueue(t, server.RabbitMQ(), topic)
			slices.Sort(got)
			if wantTexts(t, "in the queue", slices.Compact(got), texts(0, 6)); len(got) > 6+6 {
				t.Errorf("%d messages, more than one attempt left copies", len(got))
			}
		})
	}
	checkGoroutines(t)
}

// While the broker is halted, no call lasts longer than its context. Afterwards the connection
// is replaced.
func TestHaltedBroker(t *testing.T) {
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	c.Timeout = 3 * patience // longer than any call may take
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 1))
	server.Stop()
	for _, call := range []func(ctx context.Context) error{
		func(ctx context.Context) error {
			out := outcome.Of(nil)
			b.Publish(ctx, outgoing(1, 3), out)
			return out.Reason()
		},
		func(ctx context.Context) error { return b.Ping(ctx, false) },
		func(ctx context.Context) error { _, err := b.Version(ctx); return err },
		func(ctx context.Context) error { return peekError(ctx, b) },
		func(ctx context.Context) error {
			c, err := b.Consume(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			for _, err := range c.Receive(ctx, patience) {
				return err
			}
			return nil
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the call returned %v", err)
		}
		if took := time.Since(began); took > patience {
			t.Errorf("the call took %v", took)
		}
		cancel()
	}
	server.Continue()
	mustPublish(t, b, outgoing(1, 3))
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	checkGoroutines(t)
}

// Each of the concurrently published messages is in the queue once, and the connections are
// used again.
func TestPublishConcurrently(t *testing.T) {
	location := testenv.RabbitMQ(t)
	b := rabbitmq.New(config(t, location), rabbitmq.Settings{})
	done := make(chan *outcome.Outcome)
	for i := range 20 {
		go func() {
			out := outcome.Of(nil)
			b.Publish(t.Context(), outgoing(100*i, 100), out)
			done <- out
		}()
	}
	for range 20 {
		if out := <-done; out.Err() != nil {
			t.Error(out.Err())
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	checkGoroutines(t)
	got := map[string]bool{}
	for _, body := range inQueue(t, location, topic) {
		got[body] = true
	}
	if len(got) != 2000 {
		t.Errorf("%d messages", len(got))
	}
}

func TestConnectionForced(t *testing.T) {
	server := testenv.StartRabbitMQ(t)
	b := newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{})
	if err := b.Ping(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	server.CloseConnections("maintenance")
	mustPublish(t, b, outgoing(0, 3)) // the end of the connection was noticed before
	version, err := b.Version(t.Context())
	if err != nil || !strings.HasPrefix(version, "RabbitMQ 3.") {
		t.Errorf("version %q: %v", version, err)
	}
}

func BenchmarkPublish(b *testing.B) {
	location := testenv.RabbitMQ(b)
	c := config(b, location)
	messages := make([]bus.Outgoing, 1000)
	for i := range messages {
		messages[i].Body = []byte(strings.Repeat("x", 700))
	}
	for _, durable := range []bool{false, true} {
		name := map[bool]string{false: "transient", true: "durable"}[durable]
		own := newBus(b, c, rabbitmq.Settings{DurableQueues: durable})
		if err := own.Ping(b.Context(), false); err != nil {
			b.Fatal(err)
		}
		ch := bare(b, c)
		if err := ch.Confirm(false); err != nil {
			b.Fatal(err)
		}
		for who, write := range map[string]func(b *testing.B){
			"bus":  func(b *testing.B) { mustPublish(b, own, messages) },
			"bare": func(b *testing.B) { publishBare(b, ch, messages) },
		} {
			b.Run(name+"/"+who, func(b *testing.B) {
				if _, err := ch.QueuePurge(topic, false); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					write(b)
				}
				b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "messages/s")
			})
		}
		if _, err := ch.QueueDelete(topic, false, false, false); err != nil {
			b.Fatal(err)
		}
		if err := ch.ExchangeDelete(exchange, false, false); err != nil {
			b.Fatal(err)
		}
	}
}

func publishBare(b *testing.B, ch *amqp.Channel, messages []bus.Outgoing) {
	var confirms []*amqp.DeferredConfirmation
	for i := range messages {
		confirm, err := ch.PublishWithDeferredConfirm(exchange, topic, false, false, amqp.Publishing{
			ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: messages[i].Body,
		})
		if err != nil {
			b.Fatal(err)
		}
		confirms = append(confirms, confirm)
	}
	for _, confirm := range confirms {
		if !confirm.Wait() {
			b.Fatal("not confirmed")
		}
	}
}
