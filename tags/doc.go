// Package tags says in OpenTelemetry's attributes what the info of OSProfiler's
// notifications says in its known members, and the reverse. It is pure: it does
// no I/O and keeps no state.
//
// There is one table per kind of [Call], each in its own file, and all of them
// in docs/conventions.md: request (an HTTP server's), requests (an HTTP
// client's), db, and function (of an RPC or of any other code); errors have
// [Failure].
//
// # Exactly or not at all
//
// A known member is said exactly when its attributes give back an equal JSON
// value: all of its members are there and no others, each once, each of the
// type that upstream writes, and each text valid UTF-8. Then [StartAttributes]
// and [StopAttributes] take it out of the rest that they return. Of any other
// member the attributes say what they can, and the whole member stays in the
// rest, as it was written. So where both know a member, the rest is right:
//
//	attrs, rest := tags.StartAttributes(nil, call, info, conventions)
//	tags.Merge(rest, tags.StartInfo(call, attrs)) // equals info
//
// This holds also when the attributes of the start and of the stop stand in
// one list, as they do in a span, and for the Call that [CallOfSpan] finds in
// that list when the span has the kind of [Call.SpanKind].
//
// The attributes of spans made by OpenTelemetry's own instrumentation, of the
// stable semantic conventions and of the older ones, give members as complete
// as upstream's readers need them.
package tags
