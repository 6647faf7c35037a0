package kafka

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// patience bounds the waits of a test.
const patience = 2 * time.Minute

// configOf reads a connection string as package messaging does.
func configOf(t testing.TB, connectionString string) (bus.Config, *connstr.Options) {
	t.Helper()
	u, err := url.Parse(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	_, o := connstr.Cut(connectionString)
	c := bus.Config{Topics: []string{"profiler.info"}, Timeout: 10 * time.Second}
	if vhost := strings.Trim(u.Path, "/"); vhost != "" {
		c.Topics[0] += "." + vhost
	}
	password, _ := u.User.Password()
	for host := range strings.SplitSeq(u.Host, ",") {
		name, port, err := net.SplitHostPort(host)
		if err != nil {
			t.Fatal(err)
		}
		c.Servers = append(c.Servers, bus.Server{User: u.User.Username(), Password: password, Host: name, Port: port})
	}
	o.Duration("osp_timeout", &c.Timeout)
	o.Text("consumer_group", &c.Queue)
	o.Ignore("ssl_cafile")
	if strings.HasSuffix(u.Query().Get("security_protocol"), "SSL") {
		tls := tlsconfig.Options{Authorities: tlsconfig.Authorities{File: o.Named("ssl_cafile")}}
		if c.TLS, err = tls.Config(); err != nil {
			t.Fatal(err)
		}
	}
	return c, o
}

// open opens a bus that is closed when the test ends.
func open(t testing.TB, connectionString string) *cluster {
	t.Helper()
	return openWith(t, connectionString, func(*bus.Config) {})
}

func openWith(t testing.TB, connectionString string, change func(*bus.Config)) *cluster {
	t.Helper()
	c, o := configOf(t, connectionString)
	change(&c)
	b, err := Open(c, o)
	if err == nil {
		err = o.Done()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.(*cluster)
}

// bodies returns n messages of keys k0, k1 … k9 in turn.
func bodies(from, n int) []bus.Outgoing {
	all := make([]bus.Outgoing, n)
	for i := range all {
		number := from + i
		all[i] = bus.Outgoing{Key: fmt.Sprint("k", number%10), Body: fmt.Appendf(nil, `{"n": %d}`, number)}
	}
	return all
}

// publish publishes messages and returns the outcome.
func publish(t testing.TB, b *cluster, messages ...bus.Outgoing) *outcome.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	batch := make([]osprofiler.Notification, len(messages))
	out := outcome.Of(batch)
	b.Publish(ctx, messages, out)
	return out
}

// mustPublish publishes messages that must be confirmed.
func mustPublish(t testing.TB, b *cluster, messages ...bus.Outgoing) {
	t.Helper()
	if err := publish(t, b, messages...).Err(); err != nil {
		t.Fatal(err)
	}
}

// peeked returns the bodies that a peek shows, and whether there are more.
func peeked(t testing.TB, b *cluster, limit int) (texts []string, more bool) {
	t.Helper()
	messages, hasMore := b.Peek(t.Context(), limit)
	for m, err := range messages {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(m.Body))
	}
	return texts, hasMore()
}

// texts returns the bodies of messages.
func texts(messages []bus.Outgoing) []string {
	all := make([]string, len(messages))
	for i, m := range messages {
		all[i] = string(m.Body)
	}
	return all
}

// sorted returns a sorted copy of the texts.
func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return texts
}

// view returns an observer of the server that is independent of the bus.
func view(t testing.TB, connectionString string) *testenv.KafkaView {
	return testenv.KafkaAPI(t, connectionString)
}

// otherMember returns a client of the library that is in the default group, with
// other balancers.
func otherMember(t *testing.T, b *cluster, balancers ...kgo.GroupBalancer) *kgo.Client {
	t.Helper()
	joined := make(chan struct{})
	var once sync.Once
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses(&b.config)...), kgo.ConsumerGroup(defaultGroup), kgo.ConsumeTopics(b.topic()),
		kgo.Balancers(balancers...), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { once.Do(func() { close(joined) }) }))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-joined:
	case <-time.After(patience):
		t.Fatal("the member has not joined")
	}
	return client
}
