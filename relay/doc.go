// Package relay moves notifications from sources to targets.
//
//	source := relay.FromStore(from)
//	target := relay.ToStore(to)
//	counts, err := relay.Copy(ctx, source, []relay.Target{target})
//
// A [Source] gives notifications with a position. A source is a store: all of it
// ([FromStore]), what was written behind a cursor ([FromFeed]), the traces of a
// listing ([FromTraces]), or those of given base ids ([FromBaseIDs]). Or it is a
// message bus, whose messages it takes away ([FromConsumer]), or a receiver of OTLP
// (package relay/otlpreceiver). A [Target] takes notifications. It is a store
// ([ToStore]), which gets the notifications as they are; a message bus is a target,
// too. Or it is an exporter ([ToExporter]), which gets spans.
//
// [Copy] reads a window of the source, compares it with each target, writes to
// each target what that target lacks, acknowledges the position to the source, and
// goes on with the next window, until the source has no more.
//
// [Follow] does the same for several sources at once, until its context ends. See below.
//
// # Guarantees of Copy
//
// At least once. Every notification of the source is in every target when Copy
// returns nil, except those that Copy counts as skipped or refused. The source
// hears of a position ([Source.Acknowledge], a [Checkpoint]) only when every
// target has what lies before that position. If Copy fails or is interrupted,
// nothing that was acknowledged is missing in a target, and another Copy brings
// the rest.
//
// Seldom twice. A target that can be read gets only what it lacks: equal
// notifications are compared as JSON values. A notification is written twice only
// if another program writes it to the target at the same time. A target that
// cannot be read, and a message bus, gets everything that the source gives, again
// with each Copy.
//
// Copied or moved. A store and a bus that [FromStore], [FromTraces] and
// [FromBaseIDs] read stay as they are. [FromConsumer] moves: when every target has a
// notification, its message is acknowledged and leaves the bus. A message whose
// notification a target refuses is not acknowledged. What was not acknowledged goes back to the bus when the source is closed, also after an
// interruption.
//
// Order. Each target gets the notifications in the order of the source. What the
// target has already stays as it is.
//
// Whole traces. [FromTraces] chooses traces, not notifications: of a trace that
// the query matches everything is copied, also what happened before or after the
// query's time. So the window of a query never cuts a trace.
//
// Repeated. Reading and writing are repeated by the policy of [store.Retry] if
// they fail for a reason that passes ([store.IsTransient]). Reading goes on where
// it was. When something new was read, the time of the policy begins anew. The
// context bounds all of it.
//
// # Time and memory
//
// The time of Copy grows with what is copied and with what the targets have, and
// no faster. A target with an index, such as a database, is asked for each trace
// that is copied. A target without one, such as a file, is read once from its
// beginning; package relay then keeps a 128-bit hash of each notification. Copy
// measures which is quicker. An empty target is asked once.
//
// Copy holds in memory one window of at most 50,000 notifications or 32 MiB of
// JSON, and one notification more, whatever the size of the stores and their
// traces. If all targets are exporters, a window has at most 4,000 notifications or 4 MiB,
// and the exporters' Notifiers drop what comes twice. A window of [FromConsumer] has at most 1,000 notifications or 4 MiB, and
// ends after a second, because a bus holds back what was not acknowledged. Besides, a
// consumption holds the messages that the broker has sent ahead: for RabbitMQ 2,000
// and as many as there are messages of other programs; for Kafka what the partitions
// send at once (kafka_max_fetch_bytes of each, 1 MiB by default). A batch has at most
// 1,000 notifications or 4 MiB. For each target that
// was read as a whole, it holds about 40 MB of hashes (for a million
// notifications); more hashes lie in a temporary file, 16 bytes each.
//
// # Follow
//
// At least once. A source hears of a position when every target has what lies before it
// for good. After SIGKILL, the next Follow gets from the source, or from its state
// directory, what a target may lack. What comes twice is the same notification, or the
// same span with the same ids: span ids follow from the ids of the notifications.
//
// Failures. A target that fails is tried again without end, with pauses of up to 30
// seconds. Nothing is dropped, so the sources wait. A source that fails is tried again in
// the same way; the others go on. Follow ends early only if a source never worked and
// fails for a reason that stays. [Stats] shows what each source and target repeats.
// [WithWarning] hears of each failure once.
//
// The end. When the context ends, Follow finishes what was read, within the time of
// [WithGrace]. What waits in a sink or in the filter is not exported early: it is in the
// state directory, or comes again from its source.
//
// Stores. A delivery that may have come before is compared with the store, as Copy does:
// the first ones of a source, those after a failure, and messages that a broker marks as
// delivered again.
//
// The methods of a target, and of its exporter, are called by one goroutine.
//
// # Sinks
//
// A target of [ToExporter] pairs the halves of operations by the Notifier of package
// bridge: across hosts, processes and sources, in any order. Halves that wait for their
// other half are in a journal of the state directory ([WithState]), which is written and
// synced before the source is acknowledged. Without a state directory, the source is
// acknowledged as far as [bridge.Notifier.FinishedInput] says, so that a message bus
// has to keep its messages for as long as a half waits.
//
// A half that waits too long is exported alone, as an incomplete span
// ([convert.MissingKey]). It is remembered for an hour, within half the memory that
// halves may use. If the other half comes in that time, the whole span is exported, with
// the same ids. A back end that replaces spans shows the whole span then. Jaeger does
// not (1.62 and 1.76, storage in memory, were tried): it shows both. A store has no such
// question, because the halves meet in it.
//
// Relays that share a queue may get one half of an operation each. If one of the targets
// is a store that can be read, the relay that has the stop exports the span. Five seconds
// after the stop it looks in the store for the start, and again after pauses that double,
// the last time before it gives up. The relay that has the start finds the stop in the
// store when the start has waited too long, and drops the start, which [TargetStats] counts
// as Elsewhere. So one of them exports the span. Without such a store, each exports an incomplete span.
//
// What an exporter refuses for good ([exporter.SinkError]) is counted, reported, and not
// sent again.
//
// # The filter
//
// [WithFilter] holds a trace until it meets the conditions, and drops it when nothing new
// came for a while. Traces that are held are in a journal of the state directory, and so
// are the newest 50,000 to 100,000 decisions. Without a state directory, the source is
// acknowledged when the trace is decided. So a client of an OTLP receiver waits as long.
//
// # Dead letters
//
// A message of OSProfiler that cannot be read stays on the bus. With [WithDeadLetters] it
// is written to a file and synced, and acknowledged then. So is a notification that a
// target refuses for good. Messages of other programs always stay.
//
// # Other sources and targets
//
// Another Source or Target implements the interface. The position of [FromConsumer] is
// the number of the last message. Acknowledge acknowledges the messages up to that
// number, and what was not acknowledged is delivered again. The position of an OTLP
// receiver is the number of a span in its requests, which Acknowledge answers. A source
// that has to know what targets refuse is a [Leaver].
package relay
