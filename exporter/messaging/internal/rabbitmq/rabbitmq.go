package rabbitmq

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// A Bus is a RabbitMQ broker or cluster. It implements [bus.Bus].
type Bus struct {
	config   bus.Config
	settings Settings
	servers  []bus.Server // the servers of the configuration, shuffled as oslo.messaging shuffles them
	next     atomic.Int64 // the index of the server to try first
	name     string
	pool     *pool
	stuck    keeper

	mostBytes int // the constant, except in tests
}

// New returns a Bus. It does not connect.
func New(c bus.Config, s Settings) *Bus {
	servers := slices.Clone(c.Servers)
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] }) //nolint:gosec // no secret
	addresses := make([]string, len(c.Servers))
	for i, server := range c.Servers {
		addresses[i] = net.JoinHostPort(server.Host, server.Port)
	}
	b := &Bus{config: c, settings: s, servers: servers, name: "RabbitMQ at " + strings.Join(addresses, ", "), stuck: keeper{releasing: newSemaphore()}, mostBytes: mostBytes}
	b.pool = newPool(b)
	return b
}

// nameOf names one server in errors.
func nameOf(s *bus.Server) string { return "RabbitMQ at " + net.JoinHostPort(s.Host, s.Port) }

// Name names the brokers in errors.
func (b *Bus) Name() string { return b.name }

// Ping connects, and declares what Publish needs unless readOnly.
func (b *Bus) Ping(ctx context.Context, readOnly bool) error {
	return b.transient(ctx, b.pool.use(ctx, func(p *publisher) error {
		if err := p.connected(ctx); err != nil || readOnly {
			return err
		}
		return p.ready(ctx)
	}))
}

// Version returns the product and the version that the broker reports.
func (b *Bus) Version(ctx context.Context) (version string, err error) {
	err = b.pool.use(ctx, func(p *publisher) error {
		if err := p.connected(ctx); err != nil {
			return err
		}
		version = versionOf(p.conn.amqp.Properties)
		return nil
	})
	return version, b.transient(ctx, err)
}

func versionOf(properties amqp.Table) string {
	product, _ := properties["product"].(string)
	version, _ := properties["version"].(string)
	if product == "" {
		product = "an AMQP broker"
	}
	return strings.TrimSpace(fmt.Sprintf("%.100s %.100s", product, version))
}

// Close closes the connections. It is called when no other call is running.
func (b *Bus) Close() error {
	b.pool.close()
	return b.stuck.close()
}

// queues returns the queues to read.
func (b *Bus) queues() []string {
	if b.config.Queue != "" {
		return []string{b.config.Queue}
	}
	return b.config.Topics
}
