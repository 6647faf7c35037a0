// Package relay moves notifications from sources to targets.
//
//	source := relay.FromStore(from)
//	target := relay.ToStore(to)
//	counts, err := relay.Copy(ctx, source, []relay.Target{target})
//
// A [Source] yields notifications and their positions. A source is a store: all of it
// ([FromStore]), the part that was written after a cursor ([FromFeed]), the traces of a
// listing ([FromTraces]), or the traces of given base ids ([FromBaseIDs]). Or it is a message
// bus, from which messages are removed ([FromConsumer]), or a receiver of OTLP (package
// relay/otlpreceiver). A [Target] takes notifications. It is a store ([ToStore]), which gets
// the notifications as they are; a message bus is such a target, too. Or it is an exporter
// ([ToExporter]), which gets spans.
//
// [Copy] reads a window of the source, compares it with each target, writes to
// each target what that target lacks, acknowledges the position to the source, and
// continues with the next window, until the source has no more.
//
// [Follow] does the same for several sources at once, until its context ends. See below.
//
// # Guarantees of Copy
//
// At least once. Every notification of the source is in every target when Copy returns nil,
// except those that Copy counts as skipped or refused. Copy acknowledges a position to the
// source ([Source.Acknowledge], a [Checkpoint]) only when every target has everything before
// that position. If Copy fails or is interrupted, nothing that was acknowledged is missing in
// a target, and another Copy copies the rest.
//
// Rarely twice. A target that can be read gets only what it lacks: equal notifications are
// compared as JSON values. A notification is written twice only if another program writes it
// to the target at the same time. A target that cannot be read, and a message bus, gets
// everything that the source yields, again with each Copy.
//
// Copied or moved. A store or a bus that [FromStore], [FromTraces] and [FromBaseIDs] read
// stays as it is. [FromConsumer] moves: when every target has a notification, its message is
// acknowledged and leaves the bus. A message whose notification a target refuses is not
// acknowledged. Unacknowledged messages return to the bus when the source is closed, also
// after an interruption.
//
// Order. Each target gets the notifications in the order of the source. Notifications that
// the target has already stay as they are.
//
// Whole traces. [FromTraces] selects traces, not single notifications. It copies everything
// of a trace that the query matches, also what happened before or after the time range of the
// query. So the time range of a query never cuts a trace.
//
// Retries. Reading and writing are repeated by the policy of [store.Retry] if they fail for a
// transient reason ([store.IsTransient]). Reading continues where it was. When something new
// was read, the time of the policy starts again. The context bounds all of it.
//
// # Time and memory
//
// The time of Copy is linear in the size of the copied data and of the targets. A target with
// an index, such as a database, is queried for each trace that is copied. A target without
// one, such as a file, is read once from its beginning; package relay then keeps a 128-bit
// hash of each notification. Copy measures which is quicker. An empty target is queried once.
//
// Copy holds in memory one window of at most 50,000 notifications or 32 MiB of JSON, and one
// notification more, whatever the size of the stores and their traces. If all targets are
// exporters, a window has at most 4,000 notifications or 4 MiB, and the exporters' Notifiers
// drop duplicates. A window of [FromConsumer] has at most 1,000 notifications or 4 MiB, and
// ends after a second, because a bus holds back unacknowledged messages. A consumption also
// holds the messages that the broker has sent ahead. For RabbitMQ these are 2,000 messages,
// and one more for each message of another program. For Kafka they are what the partitions
// send at once (kafka_max_fetch_bytes of each, 1 MiB by default). A batch has at most 1,000
// notifications or 4 MiB. For each target that was read as a whole, Copy holds about 40 MB of
// hashes (for a million notifications). Further hashes are in a temporary file, 16 bytes
// each.
//
// # Follow
//
// At least once. A position is acknowledged to its source when every target durably has
// everything before it. After SIGKILL, the next Follow gets from the source, or from its
// state directory, what a target may lack. A target may get the same notification twice, or
// the same span with the same ids: span ids follow from the ids of the notifications.
//
// Failures. A target that fails is tried again without end, with pauses of up to 30 seconds.
// Nothing is dropped, so the sources wait. A source that fails is tried again in the same
// way; the other sources continue. Follow ends early only if a source never worked and fails
// for a permanent reason. [Stats] shows the present failure of each source and target.
// [WithWarning] reports each failure once.
//
// The end. When the context ends, Follow finishes what was read, within the time of
// [WithGrace]. Notifications that wait in a sink or in the filter are not exported early.
// They are in the state directory, or the source delivers them again.
//
// Stores. Follow compares a delivery with the store, as Copy does, if the delivery may be
// repeated: the first deliveries of a source, those after a failure, and messages that a
// broker marks as delivered again.
//
// The methods of a target, and of its exporter, are called by one goroutine.
//
// # Sinks
//
// A target of [ToExporter], a sink, pairs the halves of operations by the Notifier of package
// bridge: across hosts, processes and sources, in any order. Halves that wait for their other
// half are in a journal of the state directory ([WithState]), which is written and synced
// before the source is acknowledged. Without a state directory, the source is acknowledged up
// to [bridge.Notifier.FinishedInput], so that a message bus has to keep its messages for as
// long as a half waits.
//
// A half that waits too long is exported alone, as an incomplete span ([convert.MissingKey]).
// It is remembered for an hour, within half the memory that halves may use. If the other half
// arrives in that time, the whole span is exported, with the same ids. A back end that
// replaces spans then shows the whole span. Jaeger (1.62 and 1.76 were tried, with storage in
// memory) does not replace spans and shows both. In a store this case does not exist, because
// the halves meet there.
//
// Relays that share a queue may get one half of an operation each. If one of the targets is a
// store that can be read, the relay that has the stop exports the span. Five seconds after
// the stop it looks in the store for the start. It looks again after pauses that double, and
// a last time before it gives up. The relay that has the start finds the stop in the store
// when the start has waited too long. It then drops the start, which [TargetStats] counts as
// Elsewhere. So one of them exports the span. Without such a store, each exports an
// incomplete span.
//
// A notification that an exporter refuses permanently ([exporter.SinkError]) is counted,
// reported, and not sent again.
//
// # The filter
//
// [WithFilter] holds a trace until it meets the conditions, and drops it when nothing new
// arrived for a while. Held traces are in a journal of the state directory, and so are the
// newest 50,000 to 100,000 decisions. Without a state directory, the source is acknowledged
// when the trace is decided. So a client of an OTLP receiver waits that long.
//
// # Dead letters
//
// A message of OSProfiler that cannot be read stays on the bus. With [WithDeadLetters] it is
// written to a file and synced, and then acknowledged. The same applies to a notification
// that a target refuses permanently. Messages of other programs always stay.
//
// # Other sources and targets
//
// An application can implement other Sources and Targets. The position of [FromConsumer] is
// the number of the last message. Acknowledge acknowledges the messages up to that number,
// and unacknowledged messages are delivered again. The position of an OTLP receiver is the
// number of a span in its requests, which Acknowledge answers. A source that has to know
// which notifications the targets refuse is a [Leaver].
package relay
