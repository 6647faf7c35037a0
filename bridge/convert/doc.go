// Package convert converts spans to notifications and notifications to spans. It does no I/O.
//
// # Span to notifications
//
// A span becomes two notifications, its start and its stop: see [Converter.Append]. Everything
// for which OSProfiler has a member is in that member: ids, name, microseconds, project,
// service, host, and the known shapes of info (package tags). Everything else is in info.otel
// of the stop: a JSON string with the OTLP/JSON TracesData of this one span. info.otel is left
// out if the span can be restored from the notifications alone.
//
// # Notifications to span
//
// [Converter.SpanOf] makes the span of a start, a stop, or both. If the stop has info.otel,
// the result is the span in info.otel. Otherwise the name of the span is the notification's
// operation, its attributes are those that package tags derives, and its scope is [ScopeName].
// Attributes whose names begin with "osprofiler." hold the content that no other property of a
// span can hold.
//
// A [Span] is a span with assignable properties.
//
// # Laws
//
// Converting a span to notifications and back returns an equal span, as OTLP protobuf, for
// spans with valid UTF-8 and times from 1970, without redaction. Converting notifications to a
// span and back returns equal notifications, as JSON values, for any notifications of one
// operation. If one half of an operation is missing, the result is the other half.
//
// # Limitations
//
// An empty Go slice attribute, or one with values of several types, is restored in the form
// that OTLP has, without its Go element type. A link's trace state is kept, although OTel's
// own OTLP exporter drops it. The trace flags of the parent's span context are not
// distinguished from those of the span.
package convert
