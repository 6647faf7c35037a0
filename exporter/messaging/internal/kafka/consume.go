package kafka

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A consumption takes messages as a member of a consumer group. The group shares the
// partitions among its members. When the group gives a partition to another member, that
// member gets the partition's unacknowledged messages, and their numbers are no longer valid
// here.
type consumption struct {
	b *cluster

	mu     sync.Mutex
	member *member // nil before the first Receive, and after a permanent error of the library
	number uint64  // of the last message
	closed bool
}

var _ bus.Consumption = (*consumption)(nil)

// Consume implements bus.Bus. It only connects. The first Receive joins the group. A group
// without an offset for a partition begins with the partition's earliest message.
func (b *cluster) Consume(ctx context.Context) (bus.Consumption, error) {
	client, err := b.shared()
	if err != nil {
		return nil, err
	}
	if err = b.ping(ctx, client); err == nil {
		_, err = b.readable(ctx, client)
	}
	if err != nil {
		return nil, b.failure(ctx, &b.watch, err)
	}
	return &consumption{b: b}, nil
}

// Receive implements bus.Consumption.
func (c *consumption) Receive(ctx context.Context, idle time.Duration) iter.Seq2[bus.Message, error] {
	return func(yield func(bus.Message, error) bool) {
		m, err := c.joined()
		if err == nil {
			r := receiving{c: c, m: m, idle: idle}
			err = r.run(ctx, yield)
		}
		if err != nil {
			yield(bus.Message{}, err)
		}
	}
}

// joined returns the member, which joins the group in the background.
func (c *consumption) joined() (*member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, store.ErrClosed
	}
	if c.member == nil {
		m, err := c.b.join()
		if err != nil {
			return nil, err
		}
		c.member = m
	}
	return c.member, nil
}

// leave ends a member that cannot go on. The next Receive joins again.
func (c *consumption) leave(ctx context.Context, m *member) {
	c.mu.Lock()
	if c.member == m {
		c.member = nil
	}
	c.mu.Unlock()
	m.close(ctx)
}

// Leave implements bus.Consumption. A message of Kafka stays in its partition in any case. The
// committed offset passes over the message.
func (c *consumption) Leave(number uint64) {
	c.mu.Lock()
	m := c.member
	c.mu.Unlock()
	if m != nil {
		m.passOver(number)
	}
}

// Acknowledge implements bus.Consumption. It commits the offsets after the messages, in the
// partitions that the group has not given to another member. If the group's coordinator cannot
// be reached, the offsets are committed with the next ones, or the messages are delivered
// again.
func (c *consumption) Acknowledge(ctx context.Context, number uint64) error {
	c.mu.Lock()
	m := c.member
	c.mu.Unlock()
	if m == nil {
		return nil
	}
	err := m.acknowledge(ctx, number)
	if ended := ctx.Err(); ended != nil && err != nil {
		return ended
	}
	if err == nil || errors.Is(err, kgo.ErrClientClosed) || c.b.classOf(err).IsTransient() {
		return nil
	}
	return c.b.explain(ctx, &m.watch, err)
}

// Close implements bus.Consumption. It commits the acknowledged offsets and leaves the group,
// so that other members get the partitions at once.
func (c *consumption) Close() error {
	c.mu.Lock()
	m := c.member
	c.member, c.closed = nil, true
	c.mu.Unlock()
	if m != nil {
		m.close(context.Background())
	}
	return nil
}
