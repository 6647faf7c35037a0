// Package convert turns spans into notifications and notifications into spans.
// It does no I/O.
//
// # Span to notifications
//
// A span becomes two notifications, its start and its stop: see
// [Converter.Append]. What OSProfiler has a member for is in that member: ids,
// name, microseconds, project, service, host, and the known shapes of info
// (package tags). Everything else is in info.otel of the stop: a JSON string with
// the OTLP/JSON TracesData of the one span. It is left out if the notifications
// alone give the span back.
//
// # Notifications to span
//
// [Converter.SpanOf] makes the span of a start, a stop, or both. If the stop has
// info.otel, that is the span. Otherwise the span has the notification's
// operation as its name, the attributes that package tags gives it, and the scope
// [ScopeName]. Attributes whose names begin with "osprofiler." hold what no other
// property of a span can hold.
//
// A [Span] is a span whose properties can be set.
//
// # Laws
//
// Span -> notifications -> span is the identity, as OTLP protobuf, for spans with
// valid UTF-8 and times from 1970, without redaction.
// Notifications -> span -> notifications is the identity, as JSON values, for any
// notifications of one operation. Half an operation gives that half.
//
// # Limitations
//
// A Go slice attribute that is empty or has values of several types comes back in
// the form that OTLP has, without its Go element type. A link's trace state is
// kept, although OTel's own OTLP exporter drops it. The trace flags of the
// parent's span context are not kept apart from those of the span.
package convert
