// Package kafka implements [bus.Bus] on Apache Kafka with the client library
// franz-go.
//
// A cluster has one client for publishing, peeking and queries, which is made at the first
// call, and one for messages that are sent alone. Each Consumption has a client of its own,
// because a client is a member of at most one consumer group.
package kafka

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A cluster is a bus on the brokers of one Kafka cluster.
type cluster struct {
	config bus.Config
	settings
	name string

	watch   watch        // of client
	ready   atomic.Bool  // the topic of Publish is there, as far as is known
	largest atomic.Int32 // max.message.bytes of the topic of Publish

	alone chan struct{} // has a value while a message is sent by the client aloner

	mu     sync.Mutex
	client *kgo.Client // nil until the first call
	aloner *kgo.Client // nil until the first message that is sent alone
	closed bool
}

var _ bus.Bus = (*cluster)(nil)

// Open returns a bus on the brokers of the configuration. It reads oslo.messaging's options
// for Kafka that the configuration does not hold.
func Open(c bus.Config, o *connstr.Options) (bus.Bus, error) {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	s, err := readSettings(&c, o)
	if err != nil {
		return nil, err
	}
	b := &cluster{config: c, settings: s, name: "Kafka at " + strings.Join(addresses(&c), ", "), alone: make(chan struct{}, 1)}
	b.largest.Store(defaultLargest)
	return b, nil
}

const defaultTimeout = 5 * time.Second

// addresses returns the brokers of the transport URL.
func addresses(c *bus.Config) []string {
	all := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		all[i] = net.JoinHostPort(s.Host, s.Port)
	}
	return all
}

// Name implements bus.Bus.
func (b *cluster) Name() string { return b.name }

// topic returns the topic of Publish.
func (b *cluster) topic() string { return b.config.Topics[0] }

// Ping implements bus.Bus. If the broker reports the rights of the user, a missing right to
// read or to write is an error.
func (b *cluster) Ping(ctx context.Context, readOnly bool) error {
	client, err := b.shared()
	if err != nil {
		return err
	}
	if !readOnly {
		if err := b.prepare(ctx, client); err != nil {
			return b.failure(ctx, &b.watch, err)
		}
		return b.failure(ctx, &b.watch, b.mayWrite(ctx, client))
	}
	if err := b.ping(ctx, client); err != nil {
		return b.failure(ctx, &b.watch, err)
	}
	_, err = b.readable(ctx, client)
	return b.failure(ctx, &b.watch, err)
}

// Version implements bus.Bus. A broker does not report its version. The library guesses it
// from the requests that the broker supports.
func (b *cluster) Version(ctx context.Context) (string, error) {
	client, err := b.shared()
	if err != nil {
		return "", err
	}
	if err := b.ping(ctx, client); err != nil {
		return "", b.failure(ctx, &b.watch, err)
	}
	response, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return "", b.failure(ctx, &b.watch, err)
	}
	guess := kversion.FromApiVersionsResponse(response).VersionGuess()
	return "Kafka " + strings.TrimPrefix(guess, "v"), nil
}

// Close implements bus.Bus.
func (b *cluster) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, client := range []**kgo.Client{&b.client, &b.aloner} {
		if *client != nil {
			(*client).Close()
			*client = nil
		}
	}
	return nil
}

// shared returns the client for everything except consuming.
func (b *cluster) shared() (*kgo.Client, error) { return b.made(&b.client, b.producing) }

// single returns the client for messages that are sent alone.
func (b *cluster) single() (*kgo.Client, error) { return b.made(&b.aloner, b.producingAlone) }

// made returns the client that the pointer refers to. It makes the client at the first call.
func (b *cluster) made(client **kgo.Client, options func() []kgo.Opt) (*kgo.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, store.ErrClosed
	}
	if *client == nil {
		made, err := kgo.NewClient(append(b.common(&b.watch), options()...)...)
		if err != nil {
			return nil, b.explain(context.Background(), &b.watch, err)
		}
		*client = made
	}
	return *client, nil
}
