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

const otherTopic = "other.info"

// If one queue cannot be consumed, the messages of another queue lose neither a delivery nor
// the connection. The error of the first queue is repeated while the other queue is read.
func TestOneQueueFails(t *testing.T) {
	for name, c := range map[string]struct {
		lock      func(*amqp.Channel) error
		text      string
		transient bool
	}{
		"exclusive queue": {func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(otherTopic, false, false, true, false, nil)
			return err
		}, "RESOURCE_LOCKED", true},
		"exclusive consumer": {func(ch *amqp.Channel) error {
			if _, err := ch.QueueDeclare(otherTopic, false, false, false, false, nil); err != nil {
				return err
			}
			_, err := ch.Consume(otherTopic, "", false, true, false, false, nil)
			return err
		}, "ACCESS_REFUSED", true},
		"stream": {func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(otherTopic, true, false, false, false, amqp.Table{"x-queue-type": "stream"})
			return err
		}, "is a stream", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			location := testenv.RabbitMQ(t)
			own := config(t, location)
			own.Topics = []string{topic, otherTopic}
			b := newBus(t, own, rabbitmq.Settings{})
			oneMore(t, config(t, location), newBus(t, config(t, location), rabbitmq.Settings{}), 10)
			ch := bare(t, own)
			if err := c.lock(ch); err != nil {
				t.Fatal(err)
			}
			reader := consume(t, b)
			got, errs := receiveBeside(t, reader, 10, 2)
			mustPublish(t, b, outgoing(10, 5))
			more, _ := receiveBeside(t, reader, 5, 0)
			if got = append(got, more...); got[14].Number != 15 {
				t.Errorf("messages came again: the last one has the number %d", got[14].Number)
			}
			wantTexts(t, "received", sortedTexts(got), texts(0, 15))
			for _, err := range errs {
				if isTransient(err) != c.transient || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), "queue") {
					t.Errorf("the error is %v", err)
				}
			}
			if c.transient {
				_ = ch.Close() // now the queue is free
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			testenv.RabbitMQAPI(t, location).AwaitQueue(topic, func(q testenv.RabbitMQQueue) bool { return q.Ready == 15 })
		})
	}
}

// receiveBeside receives the given number of messages, and at least the given number of
// errors. Each error ends a Receive.
func receiveBeside(t *testing.T, c bus.Consumption, messages, failures int) (got []bus.Message, errs []error) {
	t.Helper()
	for began := time.Now(); len(got) < messages || len(errs) < failures; {
		if time.Since(began) > patience {
			t.Fatalf("%d messages and the errors %v", len(got), errs)
		}
		for m, err := range c.Receive(t.Context(), patience) {
			if err != nil {
				errs = append(errs, err)
				break
			}
			if got = append(got, m); len(got) == messages && len(errs) >= failures {
				break
			}
		}
	}
	return got, errs
}

func sortedTexts(messages []bus.Message) []string {
	all := bodies(messages)
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return all
}

// While one queue cannot be read, Receive does not end as if the queue were empty.
func TestQueueThatFailsIsNotEmpty(t *testing.T) {
	c := config(t, testenv.RabbitMQ(t))
	c.Topics = []string{topic, otherTopic}
	b := newBus(t, c, rabbitmq.Settings{})
	if _, err := bare(t, c).QueueDeclare(otherTopic, false, false, true, false, nil); err != nil {
		t.Fatal(err)
	}
	reader := consume(t, b)
	for range 3 {
		var failed error
		for _, err := range reader.Receive(t.Context(), 50*time.Millisecond) {
			failed = err
		}
		if failed == nil || !isTransient(failed) {
			t.Errorf("the error is %v", failed)
		}
	}
}

// A queue that another reader used exclusively is read as soon as it is free.
func TestQueueIsFreeAgain(t *testing.T) {
	c := config(t, testenv.RabbitMQ(t))
	c.Topics = []string{otherTopic, topic}
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 1)) // into the first queue
	ch := bare(t, c)
	if err := ch.Qos(1, 0, false); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Consume(otherTopic, "", false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}
	reader := consume(t, b)
	receiveBeside(t, reader, 0, 1)
	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := receiveBeside(t, reader, 1, 0)
	wantTexts(t, "received", bodies(got), texts(0, 1))
}

// When a Consumption is closed, each queue has its own time limit. Messages of one or two
// queues that can be neither given back nor saved are held until the Bus is closed. Another
// queue loses nothing.
func TestCloseOfSeveralQueues(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	c.Topics = []string{"a.info", "b.info", "c.info"}
	view := testenv.RabbitMQAPI(t, server.RabbitMQ())
	for _, queue := range c.Topics {
		view.Declare(queue, true, map[string]any{"x-queue-type": "quorum", "x-delivery-limit": 1})
		one := c
		one.Topics = []string{queue}
		b := newBus(t, one, rabbitmq.Settings{})
		mustPublish(t, b, outgoing(0, 3))
		if queue != "c.info" {
			if err := peekError(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := rabbitmq.New(c, rabbitmq.Settings{})
	reader, err := b.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receive(t, reader, 9)
	server.RaiseMemoryAlarm()
	if err := reader.Close(); err == nil || strings.Count(err.Error(), "has reached its delivery limit") != 2 {
		t.Errorf("the error is %v", err)
	}
	view.AwaitQueue("c.info", func(q testenv.RabbitMQQueue) bool { return q.Ready == 3 })
	for _, queue := range c.Topics[:2] {
		view.AwaitQueue(queue, func(q testenv.RabbitMQQueue) bool { return q.Unacknowledged == 3 })
	}
	server.ClearMemoryAlarm()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	for _, queue := range c.Topics { // messages that were published during the alarm may occur twice
		view.AwaitQueue(queue, func(q testenv.RabbitMQQueue) bool { return q.Ready >= 3 && q.Unacknowledged == 0 })
		all := inQueue(t, server.RabbitMQ(), queue)
		slices.Sort(all)
		wantTexts(t, queue, slices.Compact(all), texts(0, 3))
	}
}

// A long-running Consumption gives messages of other programs back in time, and takes them
// again. A message at its delivery limit is saved each time.
func TestRenewal(t *testing.T) {
	for name, arguments := range map[string]amqp.Table{"classic": {}, "quorum": {"x-queue-type": "quorum", "x-delivery-limit": 2}} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			c := config(t, location)
			if _, err := bare(t, c).QueueDeclare(topic, true, false, false, false, arguments); err != nil {
				t.Fatal(err)
			}
			b := newBus(t, c, rabbitmq.Settings{Renewal: 200 * time.Millisecond})
			mustPublish(t, b, outgoing(0, 3))
			reader := consume(t, b)
			came := map[string]int{}
			for published := 3; came[text(0)] < 6; published++ {
				if published > 300 {
					t.Fatalf("came: %v", came)
				}
				mustPublish(t, b, outgoing(published, 1))
				for m, err := range reader.Receive(t.Context(), 100*time.Millisecond) {
					if err != nil {
						t.Fatal(err)
					}
					if came[string(m.Body)]++; slices.Contains(texts(0, 3), string(m.Body)) {
						reader.Leave(m.Number)
					}
					acknowledge(t, reader, m.Number)
				}
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			testenv.RabbitMQAPI(t, location).AwaitQueue(topic, func(q testenv.RabbitMQQueue) bool { return q.Ready >= 3 && q.Unacknowledged == 0 })
			rest := inQueue(t, location, topic)
			slices.Sort(rest)
			rest = slices.DeleteFunc(rest, func(body string) bool { return name == "quorum" && !slices.Contains(texts(0, 3), body) }) // the broker may forget acknowledgements
			wantTexts(t, "left", rest, texts(0, 3))
		})
	}
}

// Messages of other programs that crowd a queue are also given back in time.
func TestRenewalOfCrowdedQueue(t *testing.T) {
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{Renewal: time.Hour})
	mustPublish(t, b, outgoing(0, 1))
	reader := consume(t, b)
	reader.Leave(receive(t, reader, 1)[0].Number)
	rabbitmq.Crowd(reader, time.Minute)
	if _, errs := receiveBeside(t, reader, 0, 1); !strings.Contains(errs[0].Error(), "that are not notifications") {
		t.Errorf("the error is %v", errs[0])
	}
	rabbitmq.Crowd(reader, 3*time.Hour)
	got, _ := receiveBeside(t, reader, 1, 0)
	wantTexts(t, "came again", bodies(got), texts(0, 1))
}

// A renewal while nobody receives leaves nothing from the old channel.
func TestRenewalLeavesNothing(t *testing.T) {
	b := rabbitmq.New(config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{Renewal: 100 * time.Millisecond})
	mustPublish(t, b, outgoing(0, 2))
	reader, err := b.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader.Leave(receive(t, reader, 1)[0].Number)
	time.Sleep(300 * time.Millisecond)
	receive(t, reader, 1)
	time.Sleep(time.Second) // time for the renewal
	if err := errors.Join(reader.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	checkGoroutines(t)
}

// If the context ends during a call of the broker, and Close follows directly, the connection
// is not interrupted: acknowledged messages are not delivered again.
func TestContextEndsWhileConnecting(t *testing.T) {
	location := testenv.RabbitMQ(t)
	proxied := testenv.NewProxy(t, config(t, location).Servers[0].Host+":"+config(t, location).Servers[0].Port)
	c := config(t, location)
	mustPublish(t, newBus(t, c, rabbitmq.Settings{}), outgoing(0, 10))
	c.Servers[0].Host, c.Servers[0].Port, _ = strings.Cut(proxied.Addr(), ":")
	b := newBus(t, c, rabbitmq.Settings{})
	reader := consume(t, b)
	proxied.Delay(100 * time.Millisecond)
	var got []bus.Message
	for began := time.Now(); len(got) < 10; {
		if time.Since(began) > 5*patience {
			t.Fatalf("%d messages came", len(got))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		for m, err := range reader.Receive(ctx, patience) {
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if err == nil {
				got = append(got, m)
			}
		}
		cancel()
	}
	if n := len(testenv.RabbitMQAPI(t, location).Queues()); n != 1 {
		t.Errorf("%d queues", n)
	}
	wantTexts(t, "received once", bodies(got), texts(0, 10))
	if got[9].Number != 10 {
		t.Errorf("the last number is %d", got[9].Number)
	}
}

// Before Receive ends, it asks whether there are messages. The published messages take longer
// than the idle time to arrive.
func TestReceiveAsksBeforeItEnds(t *testing.T) {
	for name, s := range map[string]rabbitmq.Settings{"classic": {}, "quorum": {QuorumQueue: true}} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			c := config(t, location)
			direct := newBus(t, c, s)
			proxied := testenv.NewProxy(t, c.Servers[0].Host+":"+c.Servers[0].Port)
			c.Servers = slices.Clone(c.Servers)
			c.Servers[0].Host, c.Servers[0].Port, _ = strings.Cut(proxied.Addr(), ":")
			reader := consume(t, newBus(t, c, s))
			for _, err := range reader.Receive(t.Context(), 10*time.Millisecond) {
				t.Fatal("there is a message already", err)
			}
			proxied.Delay(500 * time.Millisecond)
			mustPublish(t, direct, outgoing(0, 10))
			var got []bus.Message
			for m, err := range reader.Receive(t.Context(), 20*time.Millisecond) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, m)
			}
			wantTexts(t, "received", bodies(got), texts(0, 10))
		})
	}
}

// If the prefetch count is used up, Receive does not wait, because the caller must acknowledge
// first.
func TestReceiveEndsWhenNothingIsAcknowledged(t *testing.T) {
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{})
	for first := 0; first < 3000; first += 1000 {
		mustPublish(t, b, outgoing(first, 1000))
	}
	reader := consume(t, b)
	count := 0
	for _, err := range reader.Receive(t.Context(), 100*time.Millisecond) {
		if count++; err != nil {
			t.Fatal(err)
		}
	}
	acknowledge(t, reader, uint64(count))
	receive(t, reader, 1000)
	if count != 2000 {
		t.Errorf("%d messages came", count)
	}
}

// A Receive without an idle time waits without end. An idle connection stays alive, and a
// closed connection is replaced. A broker that cannot be reached is an error, after which the
// next Receive continues.
func TestReceiveWithoutEnd(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	s := rabbitmq.Settings{DurableQueues: true, Heartbeat: 2 * time.Second}
	b := newBus(t, config(t, server.RabbitMQ()), s)
	reader := consume(t, b)
	arrived := make(chan string, 100)
	failed := make(chan error, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			for m, err := range reader.Receive(ctx, 0) {
				if err != nil {
					failed <- err
					continue
				}
				arrived <- string(m.Body)
				if err := reader.Acknowledge(ctx, m.Number); err != nil {
					failed <- err
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	want := func(body string) {
		t.Helper()
		for timer := time.After(patience); ; {
			select {
			case got := <-arrived:
				if got == body {
					return
				} // otherwise a message whose acknowledgement was lost
			case <-timer:
				t.Fatalf("%s did not come", body)
			}
		}
	}
	mustPublish(t, b, outgoing(0, 1))
	want(text(0))
	time.Sleep(7 * time.Second) // several heartbeats
	mustPublish(t, b, outgoing(1, 1))
	want(text(1))
	server.CloseConnections("maintenance")
	await(t, "a message is published", func() bool { return len(publish(t, b, outgoing(2, 1)).Missing()) == 0 })
	want(text(2))
	if len(failed) > 0 {
		t.Errorf("the error is %v", <-failed)
	}
	server.Kill()
	if err := <-failed; !isTransient(err) {
		t.Errorf("the error is %v", err)
	}
	server.Restart()
	await(t, "a message is published", func() bool { return len(publish(t, b, outgoing(3, 1)).Missing()) == 0 })
	want(text(3))
	cancel()
	<-ended
}
