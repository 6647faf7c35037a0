// Package rabbitmq implements package bus on RabbitMQ with AMQP 0-9-1.
//
// # Connections
//
// A Bus has at most eight connections for publishing. Each serves one Publish at a time, and
// stays open for the next one. A Peek and a Consumption each have a connection of their own.
// During a memory or disk alarm RabbitMQ stops reading from connections that publish, so that
// it would not receive acknowledgements on them either.
//
// The calls of the client library have no context. So each call is bounded by the caller's
// context and by the timeout of an answer. When either ends, the connection is closed, which
// ends the call.
//
// # What Publish promises
//
// Messages are published with confirms. RabbitMQ confirms a message when it is in its queue:
// in the memory of the broker if the queue is not durable, on the disk if it is durable, on
// the disks of a majority of the nodes if it is a quorum queue.
//
// # Declarations
//
// Exchanges, queues and bindings are declared as oslo.messaging declares them with the same
// options. They are declared on each new channel, because those that are not durable do not
// survive a restart of the broker. If the broker has an exchange or a queue with other
// properties, or does not let the user declare it, the existing one is used.
package rabbitmq
