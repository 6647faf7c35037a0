// Package tags converts between the known members of an OSProfiler info and
// OpenTelemetry attributes. It is pure: it does no I/O and keeps no state.
//
// The known members describe a call. There is one table for each kind of [Call], each in its
// own file, and all of them in docs/conventions.md: request (an HTTP server's), requests (an
// HTTP client's), db, and function (of an RPC or of any other code). The members openstack and
// messaging accompany any call. [Failure] represents errors.
//
// # Exact members and the rest
//
// A known member is represented exactly if an equal JSON value can be restored from its
// attributes. This requires all of its fields and no others, each once, each of the type that
// the Python library writes, and valid UTF-8 in each text. [StartAttributes] and
// [StopAttributes] then leave the member out of the rest that they return. For any other
// member, the attributes represent as much as they can, and the whole member stays in the
// rest, as it was written. If the attributes and the rest both have a member, the rest wins:
//
//	attrs, rest := tags.StartAttributes(nil, call, info, conventions)
//	tags.Merge(rest, tags.StartInfo(call, attrs)) // equals info
//
// This is also true if the attributes of the start and of the stop are in one list, as they
// are in a span. It is true for the Call that [CallOfSpan] finds in that list if the span has
// the kind of [Call.SpanKind].
//
// Spans of OpenTelemetry's own instrumentation, with the stable semantic conventions or the
// older ones, result in members that are as complete as the readers of the Python library need
// them.
package tags
