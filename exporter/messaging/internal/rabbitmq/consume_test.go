package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func acknowledge(t testing.TB, c bus.Consumption, number uint64) {
	t.Helper()
	if err := c.Acknowledge(t.Context(), number); err != nil {
		t.Error(err)
	}
}

// Acknowledged messages are removed. After the Consumption is closed, messages that were left
// or not acknowledged are in the queue, in order.
func TestConsume(t *testing.T) {
	for name, s := range map[string]rabbitmq.Settings{"classic": {}, "quorum": {QuorumQueue: true}} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			b := newBus(t, config(t, location), s)
			mustPublish(t, b, outgoing(0, 100))
			c := consume(t, b)
			got := receive(t, c, 60)
			wantTexts(t, "received", bodies(got), texts(0, 60))
			if got[0].Number != 1 || got[59].Number != 60 || got[0].ContentType != "application/json" || got[0].Place != `a message in queue "profiler.info"` {
				t.Errorf("the messages are %+v and %+v", got[0], got[59])
			}
			c.Leave(5)
			c.Leave(30)
			acknowledge(t, c, 20)
			acknowledge(t, c, 40)
			got = append(got, receive(t, c, 10)...)
			wantTexts(t, "received", bodies(got), texts(0, 70))
			acknowledge(t, c, 41)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			want := slices.Concat(texts(4, 1), texts(29, 1), texts(41, 59))
			await(t, "all are given back", func() bool {
				q := testenv.RabbitMQAPI(t, location).Queues()[topic]
				return q.Unacknowledged == 0 && q.Ready >= len(want)
			})
			rest := slices.DeleteFunc(inQueue(t, location, topic), func(body string) bool {
				// On a busy disk, a quorum queue may forget single acknowledgements.
				return s.QuorumQueue && slices.Contains(slices.Concat(texts(5, 15), texts(30, 11)), body)
			})
			wantTexts(t, "given back", rest, want)
		})
	}
}

// Receive ends when nothing has arrived for a while, and the next one continues.
func TestReceiveIdle(t *testing.T) {
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{})
	c := consume(t, b)
	for round := range 3 {
		for m, err := range c.Receive(t.Context(), 50*time.Millisecond) {
			t.Fatal(m, err)
		}
		mustPublish(t, b, outgoing(round*10, 10))
		wantTexts(t, "received", bodies(receive(t, c, 10)), texts(round*10, 10))
	}
}

// Messages of other programs fill the prefetch count many times over.
func TestLeftMessages(t *testing.T) {
	const others = 9000
	location := testenv.RabbitMQ(t)
	b := newBus(t, config(t, location), rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, others))
	mustPublish(t, b, outgoing(others, 10))
	c := consume(t, b)
	var ours []string
	for m, err := range c.Receive(t.Context(), patience) {
		if err != nil {
			t.Fatal(err)
		}
		if want := text(int(m.Number) - 1); string(m.Body) != want {
			t.Fatalf("the message %d is %s", m.Number, m.Body)
		}
		if m.Number <= others {
			c.Leave(m.Number)
			continue
		}
		acknowledge(t, c, m.Number)
		if ours = append(ours, string(m.Body)); len(ours) == 10 {
			break
		}
	}
	wantTexts(t, "ours", ours, texts(others, 10))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	await(t, "all are given back", func() bool { return testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == others })
	wantTexts(t, "given back", inQueue(t, location, topic), texts(0, others))
}

// The prefetch count grows with the messages that were left, within a bound. It returns to its
// first value when they were given back.
func TestPrefetchShrinks(t *testing.T) {
	const others, first, most = 19_000, 2000, 16_000
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{Renewal: time.Hour})
	for at := 0; at < others; at += 1000 {
		mustPublish(t, b, outgoing(at, 1000))
	}
	c := consume(t, b)
	widest := 0
	for m, err := range c.Receive(t.Context(), patience) {
		if err != nil {
			t.Fatal(err)
		}
		c.Leave(m.Number)
		widest = max(widest, rabbitmq.Prefetch(c))
		if m.Number == others {
			break
		}
	}
	if widest != most {
		t.Errorf("the prefetch count has grown to %d, not %d", widest, most)
	}
	rabbitmq.Age(c, 3*time.Hour)
	again := receive(t, c, 1)
	if got := rabbitmq.Prefetch(c); got != first || len(again) != 1 {
		t.Errorf("after the messages were given back, the prefetch count is %d, not %d", got, first)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// A queue with too many messages of other programs results in an error that says so.
func TestTooManyLeft(t *testing.T) {
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{})
	for first := 0; first < 51_000; first += 1000 {
		mustPublish(t, b, outgoing(first, 1000))
	}
	c := consume(t, b)
	for range 2 {
		var got error
		for m, err := range c.Receive(t.Context(), patience) {
			if got = err; err != nil {
				break
			}
			c.Leave(m.Number)
		}
		if got == nil || !strings.Contains(got.Error(), "more than 50000 messages that are not notifications of OSProfiler") {
			t.Error(got)
		}
	}
}

// With several exchanges and topics, the queue of our own gets the messages of all of them.
func TestSeveralQueues(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	c.Exchanges, c.Topics = []string{"openstack", "nova"}, []string{"profiler.info", "other.info"}
	reading := newBus(t, c, rabbitmq.Settings{})
	c.Queue = "osp"
	own := newBus(t, c, rabbitmq.Settings{})
	consumptions := []bus.Consumption{consume(t, reading), consume(t, own)}
	for _, consumption := range consumptions {
		for _, err := range consumption.Receive(t.Context(), 10*time.Millisecond) {
			t.Fatal("there is a message already", err)
		}
	}
	n := 0
	for _, e := range c.Exchanges {
		for _, topic := range c.Topics {
			one := c
			one.Exchanges, one.Topics = []string{e}, []string{topic}
			mustPublish(t, newBus(t, one, rabbitmq.Settings{}), outgoing(n, 10))
			n += 10
		}
	}
	for _, consumption := range consumptions {
		messages := receive(t, consumption, n)
		got := bodies(messages)
		slices.Sort(got)
		want := texts(0, n)
		slices.Sort(want)
		wantTexts(t, "received", got, want)
		acknowledge(t, consumption, messages[n-1].Number)
		if err := consumption.Close(); err != nil {
			t.Error(err)
		}
	}
	view := testenv.RabbitMQAPI(t, location)
	for name := range view.Queues() {
		view.AwaitQueue(name, func(q testenv.RabbitMQQueue) bool { return q.Messages == 0 && q.Durable == (name == "osp") })
	}
}

// Two Consumptions share the messages of a queue.
func TestShare(t *testing.T) {
	location := testenv.RabbitMQ(t)
	b := newBus(t, config(t, location), rabbitmq.Settings{})
	first, second := consume(t, b), consume(t, b)
	for _, c := range []bus.Consumption{first, second} {
		for _, err := range c.Receive(t.Context(), 10*time.Millisecond) {
			t.Fatal("there is a message already", err)
		}
	}
	mustPublish(t, b, outgoing(0, 1000))
	var got []string
	for _, c := range []bus.Consumption{first, second} {
		part := receive(t, c, 500)
		got = append(got, bodies(part)...)
		acknowledge(t, c, part[499].Number)
	}
	want := texts(0, 1000)
	slices.Sort(got)
	slices.Sort(want)
	wantTexts(t, "both", got, want)
}

// After a lost connection, all unacknowledged messages are delivered again, and the numbers of
// the old connection are no longer valid.
func TestReconnect(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	b := newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{DurableQueues: true})
	mustPublish(t, b, outgoing(0, 100))
	for _, loss := range []struct {
		name string
		lose func()
	}{ // in this order, because each gives the messages back
		{"closed", func() { server.CloseConnections("maintenance") }},
		{"killed", func() { server.Kill(); server.Restart() }},
	} {
		t.Run(loss.name, func(t *testing.T) {
			c := consume(t, b)
			old := receive(t, c, 100)
			c.Leave(old[3].Number)
			loss.lose()
			acknowledge(t, c, old[50].Number) // the acknowledgement may or may not arrive; in neither case is the message lost
			again := receive(t, c, 100)
			wantTexts(t, "again", bodies(again), texts(0, 100))
			if loss.name == "closed" && (old[0].Redelivered || !again[0].Redelivered) {
				t.Errorf("delivered before: %v, and now %v", old[0].Redelivered, again[0].Redelivered)
			}
			if again[0].Number != 101 {
				t.Errorf("the first one has the number %d", again[0].Number)
			}
			c.Leave(old[5].Number)
			acknowledge(t, c, old[99].Number)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			view := testenv.RabbitMQAPI(t, server.RabbitMQ())
			await(t, "all are given back", func() bool { return view.Queues()[topic].Ready == 100 })
		})
	}
}

// While no broker is reachable, Receive reports that. It continues when the broker is back.
func TestReceiveWithoutBroker(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	b := newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{DurableQueues: true})
	mustPublish(t, b, outgoing(0, 10))
	c := consume(t, b)
	old := receive(t, c, 5)
	server.Kill()
	var failed error
	for _, err := range c.Receive(t.Context(), patience) {
		if failed = err; err != nil {
			break // messages that were sent ahead may come first
		}
	}
	if failed == nil || !isTransient(failed) {
		t.Errorf("the error is %v", failed)
	}
	acknowledge(t, c, old[4].Number)
	server.Restart()
	wantTexts(t, "again", bodies(receive(t, c, 10)), texts(0, 10))
}

// The broker ends the consumer, because somebody deletes the queue. The Consumption continues.
func TestQueueDeleted(t *testing.T) {
	location := testenv.RabbitMQ(t)
	b := newBus(t, config(t, location), rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 10))
	c := consume(t, b)
	old := receive(t, c, 10)
	deleted := make(chan struct{})
	go func() {
		defer close(deleted)
		testenv.RabbitMQAPI(t, location).Delete(topic)
		await(t, "the queue is declared again", func() bool { _, ok := testenv.RabbitMQAPI(t, location).Queues()[topic]; return ok })
		mustPublish(t, b, outgoing(10, 10))
	}()
	got := receive(t, c, 10)
	<-deleted
	wantTexts(t, "from the new queue", bodies(got), texts(10, 10))
	acknowledge(t, c, old[9].Number)
	acknowledge(t, c, got[9].Number)
}

// The broker ends the consumer and keeps the channel. Earlier messages can still be
// acknowledged, and are not delivered again.
func TestConsumerCanceled(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	b := newBus(t, config(t, server.RabbitMQ()), rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 10))
	c := consume(t, b)
	old := receive(t, c, 10)
	server.RabbitMQCtl("eval", `[rabbit_channel:send_command(P, {'basic.cancel', <<"osp-000001">>, true}) || P <- rabbit_channel:list()].`)
	for m, err := range c.Receive(t.Context(), time.Second) {
		t.Fatalf("%s came again: %v", m.Body, err)
	}
	acknowledge(t, c, old[9].Number)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	testenv.RabbitMQAPI(t, server.RabbitMQ()).AwaitQueue(topic, func(q testenv.RabbitMQQueue) bool { return q.Messages == 0 })
}

// Close ends a Receive that waits.
func TestCloseWhileReceiving(t *testing.T) {
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{})
	c := consume(t, b)
	received := make(chan error)
	go func() {
		var got error
		for _, err := range c.Receive(context.WithoutCancel(t.Context()), time.Hour) {
			got = err
		}
		received <- got
	}()
	time.Sleep(100 * time.Millisecond)
	if err := errors.Join(c.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if err := <-received; err == nil || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	checkGoroutines(t)
}

func BenchmarkConsume(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			own := newBus(b, config(b, testenv.RabbitMQ(b)), rabbitmq.Settings{DurableQueues: durable})
			messages := make([]bus.Outgoing, 1000)
			for i := range messages {
				messages[i].Body = []byte(strings.Repeat("x", 700))
			}
			c := consume(b, own)
			for b.Loop() {
				b.StopTimer()
				for range 20 {
					mustPublish(b, own, messages)
				}
				b.StartTimer()
				for range 20 {
					got := receive(b, c, 1000)
					acknowledge(b, c, got[999].Number)
				}
			}
			b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
