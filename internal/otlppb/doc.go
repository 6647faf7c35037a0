// Package otlppb converts between spans of the SDK and the protobuf messages of
// OTLP.
//
// # Encoding
//
// [AppendSpan] writes a span in protobuf's wire form. [Encode] returns messages.
// Both keep everything of a span for which OTLP has a field. OTel's own exporter
// drops the trace state of a link, the schema URL of a span without a resource, and
// the attributes of a kind that it does not know.
//
// OTLP has no field for the number of a span's children, for the trace state and the
// sampling flag of its parent, and for the Go element type of an empty slice. OTLP's
// strings are UTF-8, so every other byte becomes U+FFFD. A time before 1970 becomes
// 0. A time after April 2262 becomes the last time that fits in 64 bits of nanoseconds.
//
// # Decoding
//
// [Parse] and [ParseJSON] read a request in protobuf's binary form and in the JSON
// form of OTLP. [Decoder.Spans] makes spans of the messages. A span that cannot be
// read or converted does not affect the others. It is returned as a [SpanError] with its
// ids, its name and the reason. Reasons are:
//
//   - a trace id that has not 16 bytes, a span id that has not 8, or only zeros,
//   - a parent's id of another length, or an id in a link of another length,
//   - no end time (except in a span that was made from notifications),
//   - a time after the year 2262,
//   - a text that is not UTF-8,
//   - an attribute that is nested more than 100 levels deep,
//   - in JSON, a value of another type than OTLP's.
//
// If a resource or a scope cannot be read, all of its spans are refused.
//
// A span of the Go SDK has no property for some members of OTLP. Decoding drops them:
// the counts of dropped attributes of resources and scopes, the entity references of
// resources, fields that this version of OTLP does not know, bits of the flags above
// bit 9, numbers of kind and status that this version does not know, and references
// to string tables, which only OTLP profiles have.
//
// Decoding and encoding a message again changes it in these ways. The keys of a map value
// are sorted. An empty id of a parent or a link is the same as an id of zeros. The
// attributes of a resource or a scope are sorted by their keys, each key once (the last
// one). A resource's attributes with an empty key are dropped. The flag for "it is known
// whether the parent is remote" (bit 8) is set. A trace state that is not valid, or not in
// the form in which the Go API writes it, becomes the attribute [TraceStateKey].
package otlppb
