package rabbitmq

import (
	"errors"
	"fmt"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// Settings are the options of oslo.messaging's RabbitMQ driver that have an effect
// here. The zero value has the defaults of oslo.messaging.
type Settings struct {
	DurableQueues bool // amqp_durable_queues: durable exchanges and queues
	AutoDelete    bool // deleted when the last consumer or binding is removed
	HAQueues      bool // rabbit_ha_queues: the argument x-ha-policy, which RabbitMQ ignores since 3.0
	QuorumQueue   bool // rabbit_quorum_queue

	// The limits of quorum queues are 0 if none is given. A negative DeliveryLimit means that
	// the queue has no limit.
	DeliveryLimit, MaxMemoryLength, MaxMemoryBytes int

	// Prefetch is the number of messages that RabbitMQ sends ahead to a Consumption. A number
	// below [leastPrefetch] selects leastPrefetch.
	Prefetch int
	// CancelOnFailover asks RabbitMQ to cancel a consumer when the master of a
	// mirrored queue changes.
	CancelOnFailover bool
	// Heartbeat is the time after which a silent connection counts as lost. 0 selects a
	// minute, and a negative value disables heartbeats.
	Heartbeat time.Duration
	// Renewal is how long a Consumption holds messages that are not ours before it gives them
	// back and takes them again. 0 selects ten minutes.
	Renewal time.Duration
	// LoginMethod is AMQPLAIN, PLAIN or EXTERNAL. "" selects AMQPLAIN.
	LoginMethod string
}

// leastPrefetch exceeds the size of the batches after which messages are acknowledged, so that
// a batch can be completed.
const leastPrefetch = 2000

// defaultHeartbeat is the default of oslo.messaging.
const defaultHeartbeat = time.Minute

// ignored are options that only tune another client, or that apply only to the queues of RPC
// and of fanout, which notifications never use.
var ignored = []string{
	"rpc_conn_pool_size", "conn_pool_min_size", "conn_pool_ttl", "kombu_reconnect_delay", "kombu_reconnect_splay",
	"kombu_compression", "kombu_missing_consumer_retry_timeout", "kombu_failover_strategy", "rabbit_retry_interval",
	"rabbit_retry_backoff", "rabbit_interval_max", "rabbit_transient_quorum_queue", "rabbit_transient_queues_ttl",
	"rabbit_stream_fanout", "heartbeat_rate", "heartbeat_in_pthread", "direct_mandatory_flag", "use_queue_manager",
	"hostname", "processname", "rabbit_login_method",
}

// Open returns a Bus with the options of a connection string. It does not connect. The caller
// must call Done of the options.
func Open(c bus.Config, o *connstr.Options) (bus.Bus, error) {
	s, err := readSettings(o)
	if err != nil {
		return nil, err
	}
	return New(c, s), nil
}

func readSettings(o *connstr.Options) (s Settings, err error) {
	o.Bool("amqp_durable_queues", &s.DurableQueues)
	o.Bool("amqp_auto_delete", &s.AutoDelete)
	o.Bool("rabbit_ha_queues", &s.HAQueues)
	o.Bool("rabbit_quorum_queue", &s.QuorumQueue)
	if _, given := o.Take("rabbit_quorum_delivery_limit"); given {
		o.Int("rabbit_quorum_delivery_limit", &s.DeliveryLimit, -1)
		if s.DeliveryLimit == 0 { // as in oslo.messaging
			s.DeliveryLimit = -1
		}
	}
	o.Int("rabbit_quorum_max_memory_length", &s.MaxMemoryLength, 0)
	o.Int("rabbit_quorum_max_memory_bytes", &s.MaxMemoryBytes, 0)
	o.Int("rabbit_qos_prefetch_count", &s.Prefetch, 0)
	o.Bool("enable_cancel_on_failover", &s.CancelOnFailover)
	if _, given := o.Take("heartbeat_timeout_threshold"); given {
		o.Duration("heartbeat_timeout_threshold", &s.Heartbeat)
		if s.Heartbeat == 0 {
			s.Heartbeat = -1
		}
	}
	o.Text("rabbit_login_method", &s.LoginMethod)
	o.Ignore(ignored...)
	return s, s.check()
}

// check refuses settings that oslo.messaging refuses.
func (s *Settings) check() error {
	switch s.LoginMethod {
	case "", "AMQPLAIN", "PLAIN", "EXTERNAL":
	default:
		return fmt.Errorf("option rabbit_login_method of the connection string is %q, it should be AMQPLAIN, PLAIN or EXTERNAL", s.LoginMethod)
	}
	if s.QuorumQueue && s.HAQueues {
		return errors.New("the connection string has the options rabbit_quorum_queue and rabbit_ha_queues, it should have one of them: a queue is a quorum queue or a mirrored one")
	}
	return nil
}

// heartbeat returns the interval in the form of the client library, where less than a second
// leaves the interval to the broker.
func (s *Settings) heartbeat() time.Duration {
	switch {
	case s.Heartbeat == 0:
		return defaultHeartbeat
	case s.Heartbeat < time.Second:
		return time.Nanosecond
	}
	return s.Heartbeat
}

// mostWider is the largest ratio of a later prefetch count to the first one. A larger ratio
// would save few consumers, and messages that are sent ahead use memory.
const mostWider = 8

// wider returns the prefetch count of the consumer after one whose count is used up by
// messages that were left.
func (s *Settings) wider(prefetch int) int {
	return min(2*prefetch, mostWider*s.prefetch(), mostPrefetch)
}

// prefetch returns the prefetch count of the first consumer of a queue.
func (s *Settings) prefetch() int { return max(s.Prefetch, leastPrefetch) }

// defaultRenewal is far below RabbitMQ's consumer_timeout (30 minutes), after which RabbitMQ
// closes the channel of a consumer that holds a message.
const defaultRenewal = 10 * time.Minute

func (s *Settings) renewal() time.Duration {
	if s.Renewal > 0 {
		return s.Renewal
	}
	return defaultRenewal
}

// durable reports whether exchanges and queues are declared durable.
func (s *Settings) durable() bool { return s.DurableQueues || s.QuorumQueue }
