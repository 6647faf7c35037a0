package rabbitmq

import (
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// internalBus returns a Bus for tests of unexported code.
func internalBus(t *testing.T) *Bus {
	t.Helper()
	u, err := url.Parse(testenv.RabbitMQ(t))
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	b := New(bus.Config{
		Servers:     []bus.Server{{User: u.User.Username(), Password: password, Host: host, Port: port}},
		VirtualHost: strings.TrimPrefix(u.Path, "/"), Exchanges: []string{"openstack"}, Topics: []string{"profiler.info"}, Timeout: 20 * time.Second,
	}, Settings{})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// The answer with which the broker closes a channel is the error of each call on the channel.
// This includes calls that find the channel closed before the answer has arrived.
func TestAnswerThatClosesAChannel(t *testing.T) {
	c, err := internalBus(t).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 100 {
		ch, err := c.channel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() {
				for {
					// The request has no answer, so that only a later call fails.
					if err := ch.call(t.Context(), func(ch *amqp.Channel) error { return ch.Ack(7, false) }); err != nil {
						if codeOf(err) != amqp.PreconditionFailed {
							t.Errorf("the error is %v", err)
						}
						return
					}
				}
			})
		}
		calls.Wait()
	}
}
