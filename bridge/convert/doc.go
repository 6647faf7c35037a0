// Package convert turns spans into notifications and notifications into spans.
// It is pure: it does no I/O and keeps no state between calls.
//
// # Span to notifications
//
// A span is two notifications, its start and its stop ([Converter.StartOf],
// [Converter.StopOf]). What OSProfiler has a place for goes there: ids, name,
// microseconds, project, service, host, and the known shapes of info (package
// tags). What it has no place for travels in info.otel of the stop: a JSON
// string that holds the OTLP/JSON TracesData of the one span. It is left out
// when the notifications alone rebuild the span.
//
// # Notifications to span
//
// [Converter.SpanOf] makes the span of a start, a stop, or both. If the stop
// carries info.otel, that is the span. Else the span has the notification's
// operation as its name, the attributes that package tags gives it, the scope
// [ScopeName], and, in attributes that start with "osprofiler.", what a span
// has no place for.
//
// # Laws
//
// Span -> notifications -> span is the identity, as OTLP protobuf, for spans
// with valid UTF-8 and times from 1970, without redaction.
// Notifications -> span -> notifications is the identity, as JSON values, for
// any notifications of one operation; half an operation gives that half.
//
// # Limitations
//
// A Go slice attribute that is empty or of mixed values comes back as OTLP has
// it, without its Go element type. A link's trace state is kept, though OTel's
// own OTLP exporter drops it. Of the parent's span context the trace flags are
// not kept apart from the span's.
package convert
