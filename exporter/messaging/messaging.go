// Package messaging is the back end for the message bus of OpenStack: RabbitMQ and
// Kafka, as the Python library uses them through oslo.messaging. It writes and reads
// the messages of the Python library's driver "messaging". Importing the package
// registers the schemes messaging://, rabbit://, kombu://, amqp://, amqps:// and
// kafka://. See docs/stores/messaging.md.
//
// # Connection strings
//
// The connection string of the Python library, messaging://, names the brokers in the option
// transport_url, whose value may be percent-encoded. A transport URL of oslo.messaging is also
// a connection string. Our own options follow those of oslo.messaging:
//
//	messaging://?transport_url=rabbit://user:password@host:5672/&idle_timeout=2
//	rabbit://user:password@host1:5672,user:password@host2:5672/vhost?topics=profiler
//	kafka://host:9092/?consumer_group=traces
//
// The scheme amqp:// selects RabbitMQ with AMQP 0-9-1. Oslo.messaging once used the name for a
// driver of AMQP 1.0, which it has removed. The driver "fake" of oslo.messaging, which works
// within one process, is not supported.
//
// # What a bus is
//
// A message bus is no database. Reading a trace and listing traces look at the messages on the
// bus and leave them there (a peek). The Python library's reader instead removes everything
// that it reads. A peek looks at [WithPeek] messages at most. [store.Store.Consume] takes
// notifications away. It acknowledges each message when its notification is safe elsewhere.
// Notifications cannot be deleted, and a bus has no feed.
//
// # Limitations
//
// Some messages are left on the bus and reported once: messages of another program, of another
// priority than INFO, without a content type (on RabbitMQ), and messages that are not JSON.
package messaging

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func init() {
	store.Register(store.Backend{Schemes: schemes, Open: openConnectionString})
}

// messages is the driver of the notifications on one bus.
type messages struct {
	config

	bus          bus.Bus
	withEnvelope bool // a message has the form of oslo.messaging's driver for Kafka
}

type config struct {
	readOnly          bool
	transportURL      string
	idleTimeout       time.Duration
	waits             bool // a read waits for the idleTimeout, because the option was set
	peek              int
	exchanges, topics []string
	context           []contextValue
	broker            bus.Config // filled by the connection string, except for Timeout and Queue
}

// An Option changes how a Store works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly refuses to write and to consume, and declares nothing on the bus.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithTransportURL sets the transport URL of messaging://, such as
// rabbit://user:password@host:5672/.
func WithTransportURL(transportURL string) Option {
	return optionFunc(func(c *config) { c.transportURL = transportURL })
}

// WithIdleTimeout sets the time without notifications after which a consumption ends a
// sequence. The default is one second, as in the Python library. If the time is set, reading a
// trace also waits that long after the last notification of the trace, because a service may
// still be sending. By default it does not wait. Values that are not positive select the
// default.
func WithIdleTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.setIdle(d) })
}

func (c *config) setIdle(d time.Duration) {
	if c.idleTimeout, c.waits = d, d > 0; !c.waits {
		c.idleTimeout = defaultIdle
	}
}

// WithPeek sets the largest number of messages that a read or a listing looks at. The default
// is 10,000. Values that are not positive select the default.
func WithPeek(messages int) Option {
	return optionFunc(func(c *config) {
		if c.peek = messages; messages <= 0 {
			c.peek = defaultPeek
		}
	})
}

// WithTopics sets the topics of oslo.messaging's notifications, without the
// priority. The default is "profiler". Write uses the first.
func WithTopics(topics ...string) Option {
	return optionFunc(func(c *config) { c.topics = orDefault(topics, defaultTopic) })
}

// WithControlExchange sets the control exchanges of RabbitMQ. The default is
// "openstack". Write uses the first.
func WithControlExchange(exchanges ...string) Option {
	return optionFunc(func(c *config) { c.exchanges = orDefault(exchanges, defaultExchange) })
}

// WithQueue sets the name of a durable queue of our own on RabbitMQ, which gets a copy of each
// message, or the name of the consumer group of Kafka. Messages of other programs are removed
// from the queue. So its name should not be one of oslo.messaging, such as
// "notifications.info". Without this option, RabbitMQ's queues of oslo.messaging are read,
// which other readers share, and Kafka's group is "osprofiler".
func WithQueue(name string) Option { return optionFunc(func(c *config) { c.broker.Queue = name }) }

// WithTimeout sets how long to wait for a connection and for each answer of the
// broker. The default is five seconds.
func WithTimeout(d time.Duration) Option { return optionFunc(func(c *config) { c.broker.Timeout = d }) }

// WithContext adds values of a request context to each message, as oslo.messaging
// does with the context of a service: _context_<key>. The key auth_token is left
// out, because a token does not belong on a bus.
func WithContext(values map[string]string) Option {
	return optionFunc(func(c *config) {
		c.context = nil
		for _, key := range slices.Sorted(maps.Keys(values)) {
			c.setContext(key, values[key])
		}
	})
}

// A contextValue is one value of a request context.
type contextValue struct{ key, value string }

// setContext sets one value and keeps the keys in order.
func (c *config) setContext(key, value string) {
	if strings.EqualFold(key, "auth_token") {
		return
	}
	values := slices.DeleteFunc(slices.Clone(c.context), func(v contextValue) bool { return v.key == key })
	values = append(values, contextValue{key, value})
	slices.SortFunc(values, func(a, b contextValue) int { return strings.Compare(a.key, b.key) })
	c.context = values
}

const (
	defaultPeek     = 10_000
	defaultIdle     = time.Second
	defaultTopic    = "profiler"
	defaultExchange = "openstack"
	defaultTimeout  = 5 * time.Second
)

func newConfig(opts []Option) config {
	c := config{
		idleTimeout: defaultIdle, peek: defaultPeek,
		exchanges: []string{defaultExchange}, topics: []string{defaultTopic},
		broker: bus.Config{Timeout: defaultTimeout},
	}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// orDefault returns a copy of the names, or one default name if there are none.
func orDefault(names []string, name string) []string {
	if len(names) == 0 {
		return []string{name}
	}
	return slices.Clone(names)
}

// Name implements driver.Driver.
func (m *messages) Name() string { return m.bus.Name() }

// Ping implements driver.Driver.
func (m *messages) Ping(ctx context.Context) error { return m.bus.Ping(ctx, m.readOnly) }

// Version implements driver.Versioner.
func (m *messages) Version(ctx context.Context) (string, error) { return m.bus.Version(ctx) }

// Close implements driver.Driver.
func (m *messages) Close() error { return m.bus.Close() }

var (
	_ driver.Driver         = (*messages)(nil)
	_ driver.Writer         = (*messages)(nil)
	_ driver.Reader         = (*messages)(nil)
	_ driver.Lister         = (*messages)(nil)
	_ driver.Consumer       = (*messages)(nil)
	_ driver.Peeker         = (*messages)(nil)
	_ driver.Versioner      = (*messages)(nil)
	_ driver.PythonAnswerer = (*messages)(nil)
)

// Feeds reports whether messages that are written to the other driver arrive where this driver
// reads, so that a moved message would come back again and again. It connects.
func (m *messages) Feeds(ctx context.Context, other driver.Driver) (bool, error) {
	o, ok := other.(*messages)
	if !ok || o.withEnvelope != m.withEnvelope || !slices.Contains(m.broker.Topics, o.broker.Topics[0]) {
		return false, nil
	}
	return m.bus.Same(ctx, o.bus)
}
