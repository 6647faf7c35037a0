// Package rabbitmq implements package bus on RabbitMQ, by AMQP 0-9-1.
//
// # Connections
//
// A Bus has at most eight connections for publishing. Each serves one Publish at a
// time, and stays open for the next one. A Peek and a Consumption each have a
// connection of their own, because RabbitMQ stops reading from connections that
// publish while it has a memory or disk alarm, so that it would not see their
// acknowledgements either.
//
// The calls of the client library have no context. So each of them is bounded by the
// caller's context and by the timeout of an answer; at the end of either one the
// connection is closed, which ends the call.
//
// # What Publish promises
//
// Messages are published with confirms. RabbitMQ confirms a message when it lies in
// its queue: in the memory of the broker if the queue is not durable, on the disk if it
// is, on the disks of a majority of the nodes if it is a quorum queue.
//
// # Declarations
//
// Exchanges, queues and bindings are declared as oslo.messaging declares them by the
// same options, on each new channel, because those that are not durable do not survive
// a restart of the broker. If the broker has an exchange or a queue that was declared
// otherwise, or does not let the user declare it, the existing one is used.
package rabbitmq
