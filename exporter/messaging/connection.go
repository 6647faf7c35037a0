package messaging

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/kafka"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// schemeMessaging is the scheme of the Python library. Its connection strings name the brokers
// in the option transport_url.
const schemeMessaging = "messaging"

// schemes are the schemes that [store.Open] knows. All but the first begin transport URLs.
var schemes = []string{
	schemeMessaging, "rabbit", "kombu", "kombu+amqp", "kombu+amqps", "kombu+pyamqp", "amqp", "amqps", "kafka",
}

// brokers maps a broker to the function that opens its bus. The function reads the
// options of its broker, and does not connect.
var brokers = map[string]func(c bus.Config, o *connstr.Options) (bus.Bus, error){
	brokerRabbitMQ: rabbitmq.Open, brokerKafka: kafka.Open,
}

// Open opens the bus that a connection string names. An option of the connection
// string takes precedence over the same one here. Open does not connect.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	m, err := open(connectionString, newConfig(opts))
	switch {
	case err != nil:
		return nil, store.BadConnectionString(err)
	case m.readOnly:
		return store.NewReadOnly(m), nil
	}
	return store.New(m), nil
}

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	if o.ReadOnly {
		return Open(connectionString, WithReadOnly())
	}
	return Open(connectionString)
}

func open(connectionString string, c config) (*messages, error) {
	t, o, err := parse(connectionString, &c)
	if err != nil {
		return nil, err
	}
	opened, err := brokers[t.broker](c.broker, o)
	if err == nil {
		err = o.Done()
	}
	if err != nil {
		if opened != nil {
			_ = opened.Close() // it is not connected
		}
		return nil, o.Safe(err)
	}
	return &messages{config: c, bus: opened, withEnvelope: t.broker == brokerKafka}, nil
}

// parse reads the connection string into the configuration. It returns the transport, and the
// options of which the broker's own are still to be read.
func parse(connectionString string, c *config) (t transport, o *connstr.Options, err error) {
	transportURL, more := connectionString, ""
	if store.Scheme(connectionString) == schemeMessaging {
		if transportURL, more, err = cutMessaging(connectionString, c.transportURL); err != nil {
			return t, nil, err
		}
	}
	t, options, err := parseTransport(transportURL)
	if err != nil {
		return t, nil, err
	}
	_, o = connstr.Cut("?" + filled(strings.TrimPrefix(options, "?")+"&"+more))
	err = c.read(&t, o)
	return t, o, o.Safe(err)
}

// filled drops the options without a value, except our own options. Python's parse_qs, with
// which oslo.messaging reads a transport URL, ignores options without a value.
func filled(options string) string {
	pairs := slices.DeleteFunc(strings.Split(options, "&"), func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		return value == "" && !strings.HasPrefix(name, "osp_")
	})
	return strings.Join(pairs, "&")
}

var (
	errNoTransport = errors.New("messaging:// names no broker: add the option transport_url, " +
		`as in messaging://?transport_url=rabbit://user:password@host:5672/ (in a Go program, messaging.WithTransportURL; for "osp trace show", --transport-url)`)
	errHostOfMessaging = errors.New("messaging:// takes no host; the option transport_url names the brokers, " +
		`as in messaging://?transport_url=rabbit://user:password@host:5672/`)
	errTwoTransports = errors.New("the connection string has the option transport_url twice; it should be given once")
)

var _ = []string{
	connstr.Own("messaging:// names no broker"), connstr.Own("messaging:// takes no host"),
	connstr.Own("as in messaging://?transport_url=rabbit://user:password@host:5672/"),
}

// cutMessaging splits messaging://?transport_url=URL&options into the transport URL and the
// other options. If the string has no option transport_url, the URL is the given one.
func cutMessaging(connectionString, given string) (transportURL, options string, err error) {
	_, rest, _ := strings.Cut(connectionString, "://")
	host, options := cutOptions(rest)
	if strings.Trim(host, "/") != "" {
		return "", "", errHostOfMessaging
	}
	transportURL, options, found := cutTransportURL(strings.TrimPrefix(options, "?"))
	switch {
	case found && hasTransportURL(options) >= 0:
		return "", "", errTwoTransports
	case !found || transportURL == "":
		transportURL = given
	}
	if transportURL == "" {
		return "", "", errNoTransport
	}
	return transportURL, options, nil
}

const transportOption = "transport_url="

// hasTransportURL returns the index of the option transport_url, or -1.
func hasTransportURL(options string) int {
	if strings.HasPrefix(options, transportOption) {
		return 0
	}
	if i := strings.Index(options, "&"+transportOption); i >= 0 {
		return i + 1
	}
	return -1
}

// cutTransportURL takes the transport URL out of the options. The URL is
// percent-encoded, or plain. A plain URL contains "://", is not decoded, and its
// own options are options of the connection string like all others.
func cutTransportURL(options string) (transportURL, rest string, found bool) {
	i := hasTransportURL(options)
	if i < 0 {
		return "", options, false
	}
	before, value := options[:i], options[i+len(transportOption):]
	first, after, _ := strings.Cut(value, "&")
	if !strings.Contains(first, "://") {
		if plain, err := url.PathUnescape(first); err == nil {
			first = plain
		}
		return first, before + after, true
	}
	end := plainEnd(value)
	return value[:end], before + strings.TrimLeft(value[end:], "?&"), true
}

// plainEnd returns the end of a plain transport URL, which is the first "?" or "&" after the
// hosts. A password may contain an "&".
func plainEnd(value string) int {
	hosts := strings.Index(value, "://") + len("://")
	from := hosts
	authority := value[hosts:]
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	from += max(strings.LastIndexByte(authority, '@'), 0)
	if i := strings.IndexAny(value[from:], "?&"); i >= 0 {
		return from + i
	}
	return len(value)
}

// read reads the options that all brokers have.
func (c *config) read(t *transport, o *connstr.Options) (err error) {
	if _, ok := o.Take("idle_timeout"); ok {
		var d time.Duration
		o.Duration("idle_timeout", &d)
		c.setIdle(d)
	}
	o.Int("osp_peek", &c.peek, 1)
	o.Bool("osp_read_only", &c.readOnly)
	var ignored bool // failed traces are found without a record
	o.Bool("filter_error_trace", &ignored)
	c.readContext(o)

	c.broker.Servers, c.broker.VirtualHost = t.servers, t.virtualHost
	o.Duration("osp_timeout", &c.broker.Timeout)
	c.broker.Exchanges = list(o, "control_exchange", c.exchanges)
	c.broker.Topics = topicNames(list(o, "topics", c.topics), t)
	o.Filled("osp_queue", &c.broker.Queue)
	if err := c.checkQueue(t, o); err != nil {
		return err
	}
	if c.broker.Timeout == 0 {
		return errors.New("option osp_timeout of the connection string should be more than 0")
	}
	c.broker.TLS, err = readTLS(t, o)
	return err
}

// priorities are the endings of the names of oslo.messaging's notification queues:
// TOPIC.PRIORITY.
var priorities = []string{"audit", "critical", "debug", "error", "info", "sample", "warn"}

// checkQueue reads the consumer group of Kafka. On RabbitMQ it refuses a queue of
// oslo.messaging as our own queue, because messages of other programs are removed from our own
// queue.
func (c *config) checkQueue(t *transport, o *connstr.Options) error {
	if t.broker == brokerKafka {
		return c.readGroup(o)
	}
	dot := strings.LastIndexByte(c.broker.Queue, '.')
	if dot < 0 || !slices.Contains(priorities, c.broker.Queue[dot+1:]) {
		return nil
	}
	return fmt.Errorf("option osp_queue of the connection string should not be %q: oslo.messaging names the queues like that which all readers share, "+
		"and messages of other programs would be removed from it; a queue of our own should have another name, such as osprofiler", c.broker.Queue)
}

// defaultGroup is a consumer group of our own. The readers of the Python library use the group
// oslo_messaging_consumer, so that they still get the messages that we take.
const defaultGroup = "osprofiler"

// readGroup reads the name of Kafka's consumer group, which oslo.messaging calls
// consumer_group.
func (c *config) readGroup(o *connstr.Options) error {
	group := connstr.Option{}
	o.Filled("consumer_group", &group.Value)
	switch {
	case group.Value != "" && c.broker.Queue != "" && group.Value != c.broker.Queue:
		return errors.New("the options consumer_group and osp_queue of the connection string both name the consumer group of Kafka; one of them should be left out")
	case group.Value != "":
		c.broker.Queue = group.Value
	case c.broker.Queue == "":
		c.broker.Queue = defaultGroup
	}
	return nil
}

// readContext reads the options osp_context_<key>.
func (c *config) readContext(o *connstr.Options) {
	const prefix = "osp_context_"
	for _, name := range o.Starting(prefix) {
		if value, ok := o.Take(name); ok {
			c.setContext(strings.TrimPrefix(name, prefix), value)
		}
	}
}

// list reads an option that names several things, separated by commas.
func list(o *connstr.Options, name string, names []string) []string {
	given := o.Each(name)
	if len(given) == 0 {
		return names
	}
	var all []string
	for _, text := range given {
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	if len(all) == 0 {
		return names
	}
	return all
}

// topicNames returns the names of queues or topics. Each ends with the priority that the
// Python library notifies with. Oslo's driver for Kafka also appends the virtual host when it
// writes.
func topicNames(topics []string, t *transport) []string {
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = topic + ".info"
		if t.broker == brokerKafka && t.virtualHost != "" {
			names[i] = fmt.Sprintf("%s.%s", names[i], t.virtualHost)
		}
	}
	return names
}
