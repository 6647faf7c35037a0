package rabbitmq_test

import (
	"maps"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Queues and exchanges are declared as oslo.messaging 18.3.1 declares them.
func TestDeclarations(t *testing.T) {
	for name, c := range map[string]struct {
		settings            rabbitmq.Settings
		durable, autoDelete bool
		kind                string
		arguments           map[string]any
	}{
		"defaults":   {kind: "classic"},
		"durable":    {settings: rabbitmq.Settings{DurableQueues: true}, durable: true, kind: "classic"},
		"autodelete": {settings: rabbitmq.Settings{AutoDelete: true}, autoDelete: true, kind: "classic"},
		"ha":         {settings: rabbitmq.Settings{HAQueues: true}, kind: "classic", arguments: map[string]any{"x-ha-policy": "all"}},
		"quorum":     {settings: rabbitmq.Settings{QuorumQueue: true}, durable: true, kind: "quorum", arguments: map[string]any{"x-queue-type": "quorum"}},
		"limits": {
			settings: rabbitmq.Settings{QuorumQueue: true, DeliveryLimit: 7, MaxMemoryLength: 1000, MaxMemoryBytes: 100_000}, durable: true, kind: "quorum",
			arguments: map[string]any{"x-queue-type": "quorum", "x-delivery-limit": 7., "x-max-in-memory-length": 1000., "x-max-in-memory-bytes": 100_000.},
		},
		"no limit": {settings: rabbitmq.Settings{QuorumQueue: true, DeliveryLimit: -1}, durable: true, kind: "quorum", arguments: map[string]any{"x-queue-type": "quorum"}},
	} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			b := newBus(t, config(t, location), c.settings)
			if err := b.Ping(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			view := testenv.RabbitMQAPI(t, location)
			if queues := view.Queues(); len(queues) > 0 {
				t.Errorf("a Ping for reading declared %v", queues)
			}
			if err := b.Ping(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			q := view.Queues()[topic]
			if q.Durable != c.durable || q.AutoDelete != c.autoDelete || q.Type != c.kind || !maps.Equal(q.Arguments, c.arguments) {
				t.Errorf("the queue is %+v", q)
			}
			var e struct {
				Type       string
				Durable    bool
				AutoDelete bool `json:"auto_delete"`
				Internal   bool
			}
			view.Do("GET", "/api/exchanges/"+config(t, location).VirtualHost+"/"+exchange, nil, &e)
			if e.Type != "topic" || e.Durable != c.durable || e.AutoDelete != c.autoDelete || e.Internal {
				t.Errorf("the exchange is %+v", e)
			}
		})
	}
}

// Another service has declared the exchange and the queue with other properties. No message is
// lost because of this, and the reader reads the queue.
func TestDeclaredOtherwise(t *testing.T) {
	for name, declare := range map[string]func(*amqp.Channel) error{
		"durable": func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(topic, true, false, false, false, nil)
			return firstError(err, ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil))
		},
		"durable exchange": func(ch *amqp.Channel) error {
			return ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil)
		},
		"arguments": func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(topic, false, false, false, false, amqp.Table{"x-max-length": 1000, "x-message-ttl": 1_000_000})
			return err
		},
		"quorum": func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(topic, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
			return err
		},
		"direct exchange": func(ch *amqp.Channel) error {
			return ch.ExchangeDeclare(exchange, "direct", false, false, false, false, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			location := testenv.RabbitMQ(t)
			if err := declare(bare(t, config(t, location))); err != nil {
				t.Fatal(err)
			}
			b := newBus(t, config(t, location), rabbitmq.Settings{DeliveryLimit: -1})
			mustPublish(t, b, outgoing(0, 20))
			got, _ := peek(t, b, 100)
			wantTexts(t, "peek", got, texts(0, 20))
			wantTexts(t, "received", bodies(receive(t, consume(t, b), 20)), texts(0, 20))
		})
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// RabbitMQ 3.10 has no quorum queues with the property auto-delete.
func TestImpossibleProperties(t *testing.T) {
	b := newBus(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{QuorumQueue: true, AutoDelete: true})
	out := publish(t, b, outgoing(0, 2))
	if len(out.Missing()) != 2 || out.Transient() || !strings.Contains(out.Reason().Error(), `does not take the properties of the queue "profiler.info"`) {
		t.Errorf("missing %v, transient %v: %v", out.Missing(), out.Transient(), out.Reason())
	}
}

// A user who may not declare uses the existing objects. The error names a missing object.
func TestWithoutConfigureRight(t *testing.T) {
	location := testenv.RabbitMQ(t)
	view, c := testenv.RabbitMQAPI(t, location), config(t, location)
	user := "osp-user-" + c.VirtualHost
	view.AddUser(user, testenv.Password)
	view.Permit(user, "", ".*", ".*")
	own := c
	own.Servers = append(own.Servers[:0:0], own.Servers...)
	own.Servers[0].User, own.Servers[0].Password = user, testenv.Password
	b := newBus(t, own, rabbitmq.Settings{})
	err := b.Ping(t.Context(), false)
	if err == nil || isTransient(err) || !strings.Contains(err.Error(), `has no exchange "openstack" in the virtual host`) {
		t.Errorf("the error is %v", err)
	}
	if err := newBus(t, c, rabbitmq.Settings{}).Ping(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, b, outgoing(0, 10))
	wantTexts(t, "received", bodies(receive(t, consume(t, b), 10)), texts(0, 10))
}
