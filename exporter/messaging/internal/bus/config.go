package bus

import (
	"crypto/tls"
	"time"
)

// A Config has the servers of a bus and the names of its queues or topics. Package messaging
// reads it from the connection string.
type Config struct {
	Servers     []Server // in the order of the transport URL, at least one
	VirtualHost string
	TLS         *tls.Config // nil without TLS
	// Exchanges are the control exchanges, at least one. Publish uses the first.
	Exchanges []string
	// Topics are the names of queues or topics with the priority at the end, such as
	// "profiler.info", at least one. Publish uses the first.
	Topics []string
	// Queue is the name of a durable queue of our own that is bound to all exchanges and
	// topics, or the name of Kafka's consumer group. Without it, the queues of oslo.messaging
	// are read, which other readers share.
	Queue string
	// Timeout bounds connecting and each answer of the broker.
	Timeout time.Duration
}

// A Server is one broker of a transport URL.
type Server struct{ User, Password, Host, Port string }
