package rabbitmq_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Three traces are in the queue. After repeated peeks at all or a part of the messages, the
// next reader still gets them in order.
func TestPeekKeepsOrder(t *testing.T) {
	for name, s := range map[string]rabbitmq.Settings{
		"classic": {}, "durable": {DurableQueues: true}, "quorum": {QuorumQueue: true, DeliveryLimit: -1},
	} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			b := newBus(t, config(t, location), s)
			mustPublish(t, b, outgoing(0, 300))
			for range 3 {
				for _, limit := range []int{1, 100, 299, 300, 300, 1000} {
					if s.QuorumQueue && limit < 300 {
						continue // see TestPeekPartOfQuorumQueue
					}
					got, more := peek(t, b, limit)
					wantTexts(t, fmt.Sprintf("peek of %d", limit), got, texts(0, min(limit, 300)))
					if more != (limit < 300) {
						t.Errorf("peek of %d: more is %v", limit, more)
					}
				}
			}
			mustPublish(t, b, outgoing(300, 10))
			await(t, "all are ready", func() bool { return testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == 310 })
			got := receive(t, consume(t, newBus(t, config(t, location), s)), 310)
			wantTexts(t, "the next reader", bodies(got), texts(0, 310))
		})
	}
}

// A reader holds the first messages. A peek does not see them. When the reader ends, all
// messages are in the queue in order.
func TestPeekBesideAReader(t *testing.T) {
	for name, s := range map[string]rabbitmq.Settings{"classic": {}, "quorum": {QuorumQueue: true, DeliveryLimit: -1}} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			c := config(t, location)
			b := newBus(t, c, s)
			mustPublish(t, b, outgoing(0, 200))
			reader := bare(t, c)
			if err := reader.Qos(20, 0, false); err != nil {
				t.Fatal(err)
			}
			held, err := reader.Consume(topic, "", false, false, false, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			await(t, "the reader holds 20", func() bool { return len(held) == 0 && testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == 180 })
			got, more := peek(t, b, 1000)
			if wantTexts(t, "peek", got, texts(20, 180)); more {
				t.Error("there is more")
			}
			if err := reader.Close(); err != nil {
				t.Fatal(err)
			}
			await(t, "all are ready", func() bool { return testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == 200 })
			after := inQueue(t, location, topic)
			if s.QuorumQueue { // a quorum queue puts messages that others give back after those that were given back before
				slices.Sort(after)
				want := texts(0, 200)
				slices.Sort(want)
				wantTexts(t, "in the queue", after, want)
				return
			}
			wantTexts(t, "in the queue", after, texts(0, 200))
		})
	}
}

// Peek declares nothing, and needs only the right to read.
func TestPeekNothing(t *testing.T) {
	location := testenv.RabbitMQ(t)
	view, c := testenv.RabbitMQAPI(t, location), config(t, location)
	user := "osp-reader-" + c.VirtualHost
	view.AddUser(user, testenv.Password)
	view.Permit(user, "", "", ".*")
	c.Servers[0].User, c.Servers[0].Password = user, testenv.Password
	b := newBus(t, c, rabbitmq.Settings{})
	if got, more := peek(t, b, 10); len(got) > 0 || more {
		t.Errorf("got %q, more %v", got, more)
	}
	if err := b.Ping(t.Context(), true); err != nil {
		t.Error(err)
	}
	if queues := view.Queues(); len(queues) > 0 {
		t.Errorf("the queues %v were declared", queues)
	}
	mustPublish(t, newBus(t, config(t, location), rabbitmq.Settings{}), outgoing(0, 3))
	got, _ := peek(t, b, 10)
	wantTexts(t, "peek", got, texts(0, 3))
}

// The limit counts the messages of all queues together.
func TestPeekSeveralQueues(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	mustPublish(t, newBus(t, c, rabbitmq.Settings{}), outgoing(0, 10))
	c.Topics = []string{"other.info"}
	mustPublish(t, newBus(t, c, rabbitmq.Settings{}), outgoing(10, 10))
	c.Topics = []string{topic, "none.info", "other.info"}
	b := newBus(t, c, rabbitmq.Settings{})
	for limit, more := range map[int]bool{5: true, 10: true, 15: true, 20: false, 25: false} {
		got, hasMore := peek(t, b, limit)
		if wantTexts(t, fmt.Sprint(limit), got, texts(0, min(limit, 20))); hasMore != more {
			t.Errorf("limit %d: more is %v", limit, hasMore)
		}
	}
}

// A quorum queue drops messages that were given back too often. Peek stops before that, and
// loses no message however often it is called.
func TestPeekDeliveryLimit(t *testing.T) {
	for _, limit := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			b := newBus(t, config(t, location), rabbitmq.Settings{QuorumQueue: true, DeliveryLimit: limit})
			mustPublish(t, b, outgoing(0, 50))
			for round := range 10 { // later, saved messages come after others
				err := peekErrorOf(t.Context(), b, 50)
				if refused := round >= (limit+1)/2; refused != (err != nil) ||
					err != nil && !strings.Contains(err.Error(), `the quorum queue "profiler.info" of RabbitMQ at `) {
					t.Errorf("round %d: %v", round, err)
				}
			}
			got := inQueue(t, location, topic)
			slices.SortFunc(got, func(a, b string) int { return len(a) - len(b) })
			if len(got) != 50 {
				t.Errorf("%d of 50 messages are left", len(got))
			}
		})
	}
}

// A service declared a quorum queue with a limit that is not in the options. Peeks in a loop
// lose none of its messages.
func TestPeekDeclaredLimit(t *testing.T) {
	for name, arguments := range map[string]amqp.Table{
		"limit": {}, "more arguments": {"x-expires": 3_600_000, "x-dead-letter-exchange": "it's", "x-single-active-consumer": false, "x-max-length": 100},
	} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			c := config(t, location)
			arguments["x-queue-type"], arguments["x-delivery-limit"] = "quorum", 3
			if _, err := bare(t, c).QueueDeclare(topic, true, false, false, false, arguments); err != nil {
				t.Fatal(err)
			}
			b := newBus(t, c, rabbitmq.Settings{DeliveryLimit: 100})
			mustPublish(t, b, outgoing(0, 20))
			for round := range 6 {
				err := peekErrorOf(t.Context(), b, 20)
				if refused := round > 1; refused != (err != nil) || err != nil && !strings.Contains(err.Error(), "RabbitMQ drops a message after 3;") {
					t.Errorf("round %d: %v", round, err)
				}
			}
			got, want := inQueue(t, location, topic), texts(0, 20)
			slices.Sort(got)
			slices.Sort(want)
			wantTexts(t, "in the queue", got, want)
		})
	}
}

// Peek refuses a queue with an unknown limit, and a part of a quorum queue, before it takes a
// message.
func TestPeekPartOfQuorumQueue(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	unknown := newBus(t, c, rabbitmq.Settings{QuorumQueue: true})
	mustPublish(t, unknown, outgoing(0, 30))
	for _, s := range []rabbitmq.Settings{{}, {QuorumQueue: true}} {
		if err := peekErrorOf(t.Context(), newBus(t, c, s), 30); err == nil || !strings.Contains(err.Error(), "the option rabbit_quorum_delivery_limit") {
			t.Error(err)
		}
	}
	b := newBus(t, c, rabbitmq.Settings{DeliveryLimit: 20})
	for _, limit := range []int{30, 29, 1, 30, 29} {
		if err := peekErrorOf(t.Context(), b, limit); limit == 30 && err != nil ||
			limit < 30 && (err == nil || !strings.Contains(err.Error(), "osp_peek of the connection string should be at least 30")) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	messages := testenv.RabbitMQAPI(t, location).Messages(topic)
	for i, m := range messages {
		if string(m.Body) != text(i) || fmt.Sprint(m.Properties.Headers["x-delivery-count"]) != "2" {
			t.Fatalf("message %d is %s, delivered %v times", i, m.Body, m.Properties.Headers)
		}
	}
	if len(messages) != 30 {
		t.Errorf("%d messages", len(messages))
	}
}

// A user who may only read cannot find out the kind of the queue from the broker. The options
// state it, or the first message shows it.
func TestPeekQuorumQueueWithoutRights(t *testing.T) {
	location := testenv.RabbitMQ(t)
	view, c := testenv.RabbitMQAPI(t, location), config(t, location)
	mustPublish(t, newBus(t, c, rabbitmq.Settings{QuorumQueue: true}), outgoing(0, 30))
	user := "osp-reader-" + c.VirtualHost
	view.AddUser(user, testenv.Password)
	view.Permit(user, "", "", ".*")
	c.Servers[0].User, c.Servers[0].Password = user, testenv.Password
	if err := peekErrorOf(t.Context(), newBus(t, c, rabbitmq.Settings{QuorumQueue: true}), 30); err == nil || !strings.Contains(err.Error(), "the option rabbit_quorum_delivery_limit") {
		t.Error(err)
	}
	for _, s := range []rabbitmq.Settings{{QuorumQueue: true, DeliveryLimit: 20}, {DeliveryLimit: 20}} {
		got, _ := peek(t, newBus(t, c, s), 100)
		wantTexts(t, "peek", got, texts(0, 30))
	}
	wantTexts(t, "in the queue", inQueue(t, location, topic), texts(0, 30))
}

// A peek ends when the bodies of all queues together reach a size, and keeps the order of the
// rest.
func TestPeekLargeQueue(t *testing.T) {
	for name, s := range map[string]rabbitmq.Settings{"classic": {}, "quorum": {QuorumQueue: true, DeliveryLimit: -1}} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			c := config(t, location)
			messages := outgoing(0, 70)
			for i := range messages {
				messages[i].Body = append(messages[i].Body, bytes.Repeat([]byte{' '}, 100<<10)...)
			}
			mustPublish(t, newBus(t, c, s), messages)
			c.Topics = []string{"second.info"}
			mustPublish(t, newBus(t, c, s), outgoing(70, 5))
			c.Topics = []string{topic, "second.info"}
			for range 2 {
				b := newBus(t, c, s)
				rabbitmq.SetMostBytes(b, 64*(100<<10))
				got, more := peek(t, b, 1000)
				for i := range got {
					got[i] = strings.TrimSpace(got[i])
				}
				if wantTexts(t, "peek", got, texts(0, 64)); !more {
					t.Error("there is no more")
				}
			}
			c.Topics = []string{topic}
			for i, m := range receive(t, consume(t, newBus(t, c, s)), 70) {
				if strings.TrimSpace(string(m.Body)) != text(i) {
					t.Fatalf("message %d is %.20s", i, m.Body)
				}
			}
		})
	}
}

// A peek does not delete an auto-delete queue, although the end of the last consumer deletes
// such a queue.
func TestPeekAutoDelete(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	mustPublish(t, newBus(t, c, rabbitmq.Settings{AutoDelete: true}), outgoing(0, 40))
	for _, s := range []rabbitmq.Settings{{AutoDelete: true}, {}, {QuorumQueue: true}, {}} {
		got, _ := peek(t, newBus(t, c, s), 100)
		wantTexts(t, "peek", got, texts(0, 40))
	}
}

// The error explains that another connection uses the queue exclusively.
func TestExclusiveQueue(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	if _, err := bare(t, c).QueueDeclare(topic, false, false, true, false, nil); err != nil {
		t.Fatal(err)
	}
	b := newBus(t, c, rabbitmq.Settings{})
	out := publish(t, b, outgoing(0, 1))
	for _, err := range []error{peekError(t.Context(), b), out.Reason()} {
		if err == nil || !strings.Contains(err.Error(), "has given the queue to another reader: RESOURCE_LOCKED") {
			t.Error(err)
		}
	}
}

// The error for a queue that another consumer uses exclusively is transient, because that
// consumer may end.
func TestExclusiveConsumer(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, outgoing(0, 1))
	if _, err := bare(t, c).Consume(topic, "", false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, err := range consume(t, b).Receive(t.Context(), time.Second) {
		if err == nil || !isTransient(err) || !strings.Contains(err.Error(), "has given the queue to another reader: ACCESS_REFUSED") {
			t.Errorf("the error is %v", err)
		}
		return
	}
	t.Error("there is no error")
}

func TestStream(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	if _, err := bare(t, c).QueueDeclare(topic, true, false, false, false, amqp.Table{"x-queue-type": "stream"}); err != nil {
		t.Fatal(err)
	}
	b := newBus(t, c, rabbitmq.Settings{})
	mustPublish(t, b, []bus.Outgoing{{Body: []byte("{}")}})
	err := peekError(t.Context(), b)
	if err == nil || !strings.Contains(err.Error(), "is a stream") {
		t.Error(err)
	}
}
