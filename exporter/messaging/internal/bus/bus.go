// Package bus is what package messaging demands of a message broker. Packages
// rabbitmq and kafka implement it. They move message bodies and do not look inside:
// package messaging reads and writes the bodies.
package bus

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// A Bus is one broker or cluster, with the queues or topics of notifications. All
// methods may be called from many goroutines at once. Opening a Bus does not
// connect. A connection that was lost is made again.
type Bus interface {
	// Name names the broker in errors, such as `RabbitMQ at 10.0.0.5:5672`. It shows
	// no password.
	Name() string

	// Ping connects, and tells in one sentence why the bus cannot be used. Unless
	// readOnly, it declares what Publish needs.
	Ping(ctx context.Context, readOnly bool) error

	// Version returns the product and its version, such as "RabbitMQ 3.10.8".
	Version(ctx context.Context) (string, error)

	// Publish sends the messages in their order and waits until the broker has
	// confirmed each. It notes in the outcome the indices of the messages that are
	// not known to be there, and of those that the broker refuses. It does not try a
	// message again whose outcome is unknown: the caller of Write does.
	Publish(ctx context.Context, messages []Outgoing, out *outcome.Outcome)

	// Peek yields at most limit of the messages that lie there now, queue by queue and
	// partition by partition, each in the order of the place, and takes none away:
	// readers find all of them afterwards, in the same order. more reports, after the
	// sequence has ended, that the bus has messages that were not looked at.
	Peek(ctx context.Context, limit int) (messages iter.Seq2[Message, error], more func() bool)

	// Consume begins to take messages.
	Consume(ctx context.Context) (Consumption, error)

	// Same reports whether the other bus is on the same brokers, and in the same virtual
	// host if the brokers have them, whatever the names of the servers. It connects.
	Same(ctx context.Context, other Bus) (bool, error)

	// Close ends the connections.
	Close() error
}

// An Outgoing is a message to be published.
type Outgoing struct {
	// Key is the same for messages that should stay in order and together: the base
	// id of the trace. Kafka chooses the partition by it.
	Key string
	// Body is the message as JSON.
	Body []byte
}

// A Message is one that was received.
type Message struct {
	// Number numbers the messages of a Consumption from 1 on, in the order in which
	// they were yielded. A message that the broker delivers again gets a new number.
	Number uint64
	Body   []byte
	// ContentType is empty if the message has none. Messages of Kafka have none.
	ContentType string
	// Place says where the message lies, for errors: "a message in queue
	// \"profiler.info\"", "the message at offset 17 of partition 3 of topic
	// \"profiler.info\"".
	Place string
	// Redelivered says that the message was, or may have been, delivered before, to this
	// Consumption or to another one.
	Redelivered bool
}

// A Consumption takes messages. Its methods are not called from several goroutines
// at once, except that Leave and Acknowledge may be called inside the loop over
// Receive, and Close at any time.
type Consumption interface {
	// Receive yields messages as they arrive, and ends when none arrived for the
	// time idle, which is without end if idle is 0. If the loop ends early, the next
	// Receive goes on behind the last message. After a lost connection it connects
	// again, and yields again what was not acknowledged; an error says that this did
	// not succeed, or may not ([store.TransientError] wraps a reason that may pass).
	// The next Receive tries again. An error is about one queue only if others can be
	// read: then the next Receive goes on with those.
	//
	// The end of the context ends the waiting. It does not end a connection on which
	// messages came.
	Receive(ctx context.Context, idle time.Duration) iter.Seq2[Message, error]

	// Leave excepts a message from Acknowledge, because it is not ours. The message
	// goes back to its place when the Consumption is closed. Until then it is not
	// delivered to this Consumption again. In Kafka, messages stay anyway.
	Leave(number uint64)

	// Acknowledge tells the broker that all messages up to the number are done. It is
	// no error that the connection on which they came is lost: the broker delivers
	// them again.
	Acknowledge(ctx context.Context, number uint64) error

	// Close gives back what was not acknowledged.
	Close() error
}
