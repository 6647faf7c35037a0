// Package osprofiler joins OSProfiler, the tracer of OpenStack, with
// OpenTelemetry. This package holds what both directions stand on: the
// notification, its ids and times as text, and the signed headers that carry a
// trace from service to service. It needs the standard library alone.
//
// # OSProfiler in a page
//
// A service that is traced sends a [Notification] when an operation starts and
// another when it stops. Each is a small JSON object: the operation's name with
// -start or -stop behind it, three ids, a time, and an [Info] with whatever the
// caller wanted to tell: the request, the SQL statement, the error. A driver
// puts them into a store (Redis, MongoDB, Elasticsearch, SQL, Log Insight) or
// onto the message bus. There they lie until somebody asks for one trace; then
// a reader pairs starts with stops, hangs the operations below their parents,
// and calls the result a report.
//
// Nobody traces by chance. A request is traced because it came with two headers,
// X-Trace-Info and X-Trace-HMAC, the second being the first signed with a
// shared key ([TraceInfo]). Whoever verified the signature signs the headers of
// the requests it makes in turn, and so one trace grows through the services.
//
// # What the project adds
//
// A Go service with OpenTelemetry instrumentation registers our exporter, and
// its spans stand in the operator's store beside those of the Python services,
// in one tree, readable by the Python tool as it is. The other way, stored
// notifications become spans that any OpenTelemetry back end takes. The promise
// is that nothing is lost or altered on the way, in either direction, and that
// the Python side never notices.
//
// # Words
//
// The words are the field's own. From OSProfiler: notification, base id, trace
// id, parent id, report, connection string. From OpenTelemetry: span, trace,
// attribute, resource, scope, exporter, processor, propagator. Beware of one
// pair: OSProfiler's base_id names the whole trace, so it is OpenTelemetry's
// trace id; OSProfiler's trace_id names one operation, so it is OpenTelemetry's
// span id. A base id and a trace id are the same sixteen bytes ([TraceIDOf],
// [BaseIDOf]). A span id is the low half of the operation's id ([SpanIDOf]); the
// way back takes the high half from the trace, so that whoever knows both
// derives the same text without asking anybody ([IDOf]). Any text is an id to
// OSProfiler, though, and in stores the text counts.
//
// # The house
//
// Data flows one way and straight: span, notifications, store; and store,
// notifications, report or spans. The packages follow it, and each imports only
// what stands above it in this list:
//
//	osprofiler        Notification, Info, ids and times as text, signed trace info
//	tags              info <-> attributes: a table for each kind of call
//	bridge/convert    spans <-> notifications, without loss, without I/O
//	bridge            what applications call: start and stop, headers, middleware
//	store             what a store is: contract, capabilities, connection strings, errors
//	store/storetest   the rules that every back end passes
//	exporter          a SpanExporter over any store; Open by connection string
//	exporter/file     notifications in a file, one a line
//	exporter/sql      the Python library's SQL table; below it sqlite, postgresql, mysql
//	exporter/all      imports every back end
//	reader            reports, listings and spans from any store
//	reader/render     a report as JSON, text or dot
//	cmd/osp           the command
//	examples          programs to start from
//
// There is one conversion, one registry, one conformance suite; a back end adds
// only what is its own. What a package may rely on stands on its interface; why
// it is so and not otherwise, in docs/adr.
//
// # Text
//
// Most stores hold JSON, and copying text is the fastest mapping there is. So a
// Notification carries its info as text, parsed only by whoever looks inside,
// and one that was parsed remembers the whole text it came from. Read and
// written again, it is the same JSON value: unknown members, the order of keys,
// numbers of any size, NaN, lone surrogates. What is written new is written as
// Python's json.dumps does, to the byte.
package osprofiler
