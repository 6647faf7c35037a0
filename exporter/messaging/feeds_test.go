package messaging_test

import (
	"context"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Two brokers with the same cluster name are distinguished.
func TestFeedsTellsBrokersApart(t *testing.T) {
	one, two := testenv.StartRabbitMQ(t), testenv.StartRabbitMQ(t)
	for _, s := range []*testenv.Server{one, two} {
		s.RabbitMQCtl("set_cluster_name", "cloud")
	}
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{one.RabbitMQ(), one.RabbitMQ(), true},
		{one.RabbitMQ(), two.RabbitMQ(), false},
		{one.RabbitMQ(), one.RabbitMQ() + "?topics=other", false},
		{one.RabbitMQ() + "?topics=profiler,other", one.RabbitMQ() + "?topics=other", true},
	} {
		from, to := opened(t, c.from), opened(t, c.to)
		bus, ok := driver.As[interface {
			Feeds(context.Context, driver.Driver) (bool, error)
		}](from.Driver())
		if !ok {
			t.Fatal("a bus should tell what feeds it")
		}
		if got, err := bus.Feeds(t.Context(), to.Driver()); err != nil || got != c.want {
			t.Errorf("%s to %s: got %v, %v", c.from, c.to, got, err)
		}
	}
}

// The address of a server of another kind is an error that names this cause.
func TestOtherProtocol(t *testing.T) {
	_, address, _ := strings.Cut(testenv.RabbitMQ(t), "@")
	err := opened(t, "kafka://"+address).Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not speak Kafka's protocol; the transport URL should name the host and the port of a Kafka broker") || store.IsTransient(err) {
		t.Errorf("got %v", err)
	}
}

func opened(t *testing.T, connectionString string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
