// Package relay copies notifications from a source to targets.
//
//	source := relay.FromStore(from)
//	target := relay.ToStore(to)
//	counts, err := relay.Copy(ctx, source, []relay.Target{target})
//
// A [Source] gives notifications with a position. Today a source is a store: all
// of it ([FromStore]), what was written behind a cursor ([FromFeed]), the traces
// of a listing ([FromTraces]), or those of given base ids ([FromBaseIDs]). A
// [Target] takes notifications. Today it is a store ([ToStore]); a store that
// cannot be read, such as a message bus, is a target too.
//
// [Copy] reads a window of the source, compares it with each target, writes to
// each target what that target lacks, acknowledges the position to the source, and
// goes on with the next window, until the source has no more.
//
// # Guarantees
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
// cannot be read gets everything that the source gives, again with each Copy.
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
// traces. A batch has at most 1,000 notifications or 4 MiB. For each target that
// was read as a whole, it holds about 40 MB of hashes (for a million
// notifications); more hashes lie in a temporary file, 16 bytes each.
//
// # Other sources and targets
//
// A bus with acknowledgement is a Source whose position is the number of the last
// message. Acknowledge acknowledges the messages up to that number, and what was
// not acknowledged is delivered again. A receiver of OTLP is a Source whose
// position is the number of a request, which is answered by Acknowledge. A
// SpanExporter is a Target that converts the batch to spans.
//
// A Target that holds notifications back, because it waits for the other half of
// an operation, does not have them when Write returns. The Notifier of package
// bridge is like that. It numbers its inputs: LastInput is the number of the newest
// one, and FinishedInput the number up to which everything has left the Notifier.
// Such a Target returns LastInput after a Write, and the copier notes it beside the
// position of the source. As soon as FinishedInput has reached the number, the
// copier acknowledges the position. [Source.Acknowledge] allows this already: a
// position may be acknowledged late, positions may be left out, and each includes
// all before it.
package relay
