package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	exchange = "openstack"
	topic    = "profiler.info"
	patience = time.Minute
)

// config returns the configuration of a connection string of package testenv.
func config(t testing.TB, location string) bus.Config {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	host := strings.TrimPrefix(u.Path, "/")
	if host == "" {
		host = "/"
	}
	c := bus.Config{
		VirtualHost: host, Exchanges: []string{exchange}, Topics: []string{topic}, Timeout: 20 * time.Second,
	}
	for address := range strings.SplitSeq(u.Host, ",") {
		address = address[strings.LastIndexByte(address, '@')+1:]
		at, err := url.Parse("tcp://" + address)
		if err != nil {
			t.Fatal(err)
		}
		c.Servers = append(c.Servers, bus.Server{User: u.User.Username(), Password: password, Host: at.Hostname(), Port: at.Port()})
	}
	return c
}

// newBus returns a Bus that is closed when the test ends.
func newBus(t testing.TB, c bus.Config, s rabbitmq.Settings) *rabbitmq.Bus {
	t.Helper()
	b := rabbitmq.New(c, s)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// outgoing returns n messages, numbered from first.
func outgoing(first, n int) (messages []bus.Outgoing) {
	for i := first; i < first+n; i++ {
		messages = append(messages, bus.Outgoing{Key: "k", Body: []byte(text(i))})
	}
	return messages
}

func text(i int) string { return fmt.Sprintf(`{"n": %d}`, i) }

// texts returns the bodies of outgoing(first, n).
func texts(first, n int) (all []string) {
	for i := first; i < first+n; i++ {
		all = append(all, text(i))
	}
	return all
}

// publish publishes messages, and returns the outcome.
func publish(t testing.TB, b bus.Bus, messages []bus.Outgoing) *outcome.Outcome {
	t.Helper()
	out := outcome.Of(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b.Publish(ctx, messages, out)
	return out
}

// mustPublish publishes messages that the broker must accept.
func mustPublish(t testing.TB, b bus.Bus, messages []bus.Outgoing) {
	t.Helper()
	if out := publish(t, b, messages); len(out.Missing())+len(out.Refused()) > 0 {
		t.Fatalf("missing %v, refused %v: %v", out.Missing(), out.Refused(), out.Reason())
	}
}

// peek returns the bodies that a Peek yields.
func peek(t testing.TB, b bus.Bus, limit int) (bodies []string, more bool) {
	t.Helper()
	messages, hasMore := b.Peek(t.Context(), limit)
	for m, err := range messages {
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(m.Body))
	}
	return bodies, hasMore()
}

// peekError returns the error of a Peek.
func peekError(ctx context.Context, b bus.Bus) error { return peekErrorOf(ctx, b, 10) }

// peekErrorOf returns the error of a Peek with the given limit.
func peekErrorOf(ctx context.Context, b bus.Bus, limit int) error {
	messages, _ := b.Peek(ctx, limit)
	for _, err := range messages {
		if err != nil {
			return err
		}
	}
	return nil
}

func consume(t testing.TB, b bus.Bus) bus.Consumption {
	t.Helper()
	c, err := b.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// receive receives until n messages have arrived, for at most a minute.
func receive(t testing.TB, c bus.Consumption, n int) (messages []bus.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for m, err := range c.Receive(ctx, patience) {
		if err != nil {
			t.Fatalf("after %d messages: %v", len(messages), err)
		}
		if messages = append(messages, m); len(messages) == n {
			return messages
		}
	}
	t.Fatalf("%d messages came, not %d", len(messages), n)
	return nil
}

func bodies(messages []bus.Message) (all []string) {
	for _, m := range messages {
		all = append(all, string(m.Body))
	}
	return all
}

func wantTexts(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d messages %.200q, want %d %.200q", what, len(got), got, len(want), want)
	}
}

// inQueue removes the ready messages from a queue and returns their bodies.
func inQueue(t testing.TB, location, queue string) (all []string) {
	t.Helper()
	for _, m := range testenv.RabbitMQAPI(t, location).Take(queue) {
		all = append(all, string(m.Body))
	}
	return all
}

// await waits for a condition.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited for a minute: %s", what)
		}
	}
}

// bare returns a channel of the client library.
func bare(t testing.TB, c bus.Config) *amqp.Channel {
	t.Helper()
	s := c.Servers[0]
	opened, err := amqp.DialConfig("amqp://"+s.Host+":"+s.Port, amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: s.User, Password: s.Password}}, Vhost: c.VirtualHost,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	ch, err := opened.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// checkGoroutines checks that no goroutine of this package or of the client library
// is left.
func checkGoroutines(t testing.TB) {
	t.Helper()
	var left string
	for range 100 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(stack, "amqp091") || strings.Contains(stack, "internal/rabbitmq.") {
				left += stack + "\n\n"
			}
		}
		if left == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", left)
}

func isTransient(err error) bool {
	var transient *store.TransientError
	return errors.As(err, &transient)
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
