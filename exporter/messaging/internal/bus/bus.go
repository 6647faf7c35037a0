// Package bus defines the interface through which package messaging uses a message broker.
// Packages rabbitmq and kafka implement it. They move message bodies without parsing them.
// Package messaging reads and writes the bodies.
package bus

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// A Bus is one broker or cluster, with the queues or topics of notifications. All methods may
// be called from many goroutines at once. Opening a Bus does not connect. A lost connection is
// replaced by a new one.
type Bus interface {
	// Name names the broker in errors, such as `RabbitMQ at 10.0.0.5:5672`. It shows
	// no password.
	Name() string

	// Ping connects. Its error says in one sentence why the bus cannot be used. Unless
	// readOnly is set, Ping declares what Publish needs.
	Ping(ctx context.Context, readOnly bool) error

	// Version returns the product and its version, such as "RabbitMQ 3.10.8".
	Version(ctx context.Context) (string, error)

	// Publish sends the messages in their order and waits until the broker has confirmed each.
	// It notes two kinds of indices in the outcome: messages that are not known to be on the
	// bus, and messages that the broker refuses. Publish does not retry a message whose
	// outcome is unknown, because the caller of Write does.
	Publish(ctx context.Context, messages []Outgoing, out *outcome.Outcome)

	// Peek yields at most limit of the messages on the bus, queue by queue and partition by
	// partition, each in its order. It removes none: readers find all of them afterwards, in
	// the same order. After the sequence has ended, more reports whether the bus has messages
	// that Peek did not look at.
	Peek(ctx context.Context, limit int) (messages iter.Seq2[Message, error], more func() bool)

	// Consume begins to take messages.
	Consume(ctx context.Context) (Consumption, error)

	// Same reports whether the other bus is on the same brokers, and in the same virtual host
	// if the brokers have virtual hosts. The names of the servers may differ. Same connects.
	Same(ctx context.Context, other Bus) (bool, error)

	// Close closes the connections.
	Close() error
}

// An Outgoing is a message to be published.
type Outgoing struct {
	// Key is equal for messages that should stay together and in order. It is the base id of
	// the trace. Kafka chooses the partition by the key.
	Key string
	// Body is the message as JSON.
	Body []byte
}

// A Message is a received message.
type Message struct {
	// Number numbers the messages of a Consumption from 1 on, in the order in which
	// they were yielded. A message that the broker delivers again gets a new number.
	Number uint64
	Body   []byte
	// ContentType is empty if the message has none. Messages of Kafka have none.
	ContentType string
	// Place describes the position of the message for errors: "a message in queue
	// \"profiler.info\"", "the message at offset 17 of partition 3 of topic
	// \"profiler.info\"".
	Place string
	// Redelivered reports that the message was delivered before, or may have been, to this
	// Consumption or another one.
	Redelivered bool
}

// A Consumption takes messages from the bus. Its methods are not called concurrently, with two
// exceptions: Leave and Acknowledge may be called inside the loop over Receive, and Close at
// any time.
type Consumption interface {
	// Receive yields messages as they arrive. It ends when no message has arrived for the time
	// idle. If idle is 0, it waits without end. If the loop ends early, the next Receive
	// continues after the last message. After a lost connection, Receive connects again and
	// yields the unacknowledged messages again. An error means that the connection failed, or
	// may fail ([store.TransientError] wraps a reason that may pass). The next Receive tries
	// again. Receive yields an error about a single queue only if other queues can be read;
	// the next Receive then continues with those.
	//
	// The end of the context ends the waiting. It does not close a connection on which
	// messages came.
	Receive(ctx context.Context, idle time.Duration) iter.Seq2[Message, error]

	// Leave excludes a message from Acknowledge, because the message is not ours. The message
	// goes back to its place when the Consumption is closed. Until then it is not delivered to
	// this Consumption again. Kafka keeps messages in any case.
	Leave(number uint64)

	// Acknowledge tells the broker that all messages up to the number are done. A lost
	// connection is no error, because the broker then delivers the messages of that connection
	// again.
	Acknowledge(ctx context.Context, number uint64) error

	// Close returns unacknowledged messages to the bus.
	Close() error
}
