// Package osprofiler joins OSProfiler, the tracer of OpenStack, with OpenTelemetry. This
// package has the types that both directions need: the notification, its ids and times as
// text, and the signed headers that carry a trace from service to service. It needs only the
// standard library.
//
// # OSProfiler in a page
//
// A service that is traced sends a [Notification] when an operation starts and
// another one when it stops. Each is a small JSON object: the name of the operation
// followed by -start or -stop, three ids, a time, and an [Info] that describes the
// event: the request, the SQL statement, the error. A driver of the Python library
// puts the notifications into a store (Redis, MongoDB, Elasticsearch, SQL, Log
// Insight) or onto the message bus. A reader later pairs the starts and stops of
// one trace, puts each operation under its parent, and shows the result as a
// report.
//
// A request is traced only if a trace was requested. Such a request has two headers,
// X-Trace-Info and X-Trace-HMAC. The second is the signature of the first with a shared key
// ([TraceInfo]). A service that has verified the signature signs the headers of its own
// outgoing requests, so that one trace covers all services.
//
// # What the project adds
//
// A Go service with OpenTelemetry instrumentation registers our exporter. Its spans are then
// in the operator's store beside those of the Python services, in one tree, readable by the
// unmodified Python tool. In the other direction, stored notifications become spans that any
// OpenTelemetry back end accepts. Nothing is lost or altered in either direction, and the
// Python side needs no change.
//
// # Words
//
// From OSProfiler: notification, base id, trace id, parent id, report, connection
// string. From OpenTelemetry: span, trace, attribute, resource, scope, exporter,
// processor, propagator. Two words mean different things. OSProfiler's base_id
// names the whole trace, so it is OpenTelemetry's trace id. OSProfiler's trace_id
// names one operation, so it is OpenTelemetry's span id.
//
// OSProfiler's base id and OpenTelemetry's trace id are the same sixteen bytes
// ([TraceIDOf], [BaseIDOf]). OpenTelemetry's span id is the low half of
// OSProfiler's trace_id ([SpanIDOf]). In the other direction the high half comes
// from the trace id, so that every process that knows both ids derives the same
// text ([IDOf]). OSProfiler accepts any text as an id, and stores compare ids as
// text.
//
// # The packages
//
// Data flows in two directions: from spans to notifications to a store, and from a store to
// notifications to a report or spans. In this list, each package imports only packages above
// it. Any package may import those below internal, and cmd/osp links the back ends.
//
//	osprofiler            Notification, Info, ids and times as text, signed trace info
//	tags                  converts between info and attributes, one file for each kind of call
//	bridge/convert        converts between spans and notifications, without loss and without I/O
//	bridge                what applications call: Profiler, Notifier, Propagator, Sampler, middleware
//	store/driver          the interfaces that a back end implements
//	store                 Store, the portable type over a driver; connection strings, queries, errors
//	store/storetest       the rules that every back end passes
//	exporter              a SpanExporter over any Store; sinks, which take spans natively
//	exporter/live         a SpanProcessor that writes the start when a span starts
//	relay                 copies and follows: from stores, buses and OTLP to stores and sinks
//	relay/otlpreceiver    a source of package relay that receives spans by OTLP
//	reader                reports, listings and spans from any Store
//	reader/python         the answers of the Python library to the same questions
//	reader/analyze        what a trace has to tell: critical path, repeated calls, failures, differences
//	reader/render         a report as text, JSON or dot, and the findings of reader/analyze
//	reader/render/html    a report as a web page in one file
//	cmd/osp               the command
//
// The back ends follow. Each is one package that supports one kind of store, and a program
// links only the back ends that it imports:
//
//	exporter/file             a file, one notification a line
//	exporter/redis            Redis and Valkey: one server, sentinels, a cluster
//	exporter/elasticsearch    Elasticsearch and OpenSearch
//	exporter/messaging        the message bus of OpenStack: RabbitMQ and Kafka
//	exporter/loginsight       VMware Log Insight, over a REST client of its own
//	exporter/mongo            MongoDB and servers that speak its protocol
//	exporter/sql/sqlite       SQLite, without a server
//	exporter/sql/postgresql   PostgreSQL
//	exporter/sql/mysql        MySQL and MariaDB
//	exporter/sql              the three of them, and the table that they share
//	exporter/otlp             a sink: whatever speaks OTLP, by gRPC or HTTP
//	exporter/jaeger           a sink: Jaeger's thrift, by UDP or HTTP
//	exporter/all              all back ends
//
// The back ends are below exporter/, although they are stores, not exporters, because
// OSProfiler's drivers are both written to and read from.
//
// Packages below internal from which back ends are built:
//
//	connstr      the options of connection strings; passwords kept out of texts
//	cursor       the text of a feed's cursor: version, checksum
//	explained    an error that is one sentence, with the client library's error in its chain
//	files        checks of files and their owners; errors of the operating system
//	gaps         the numbers that a feed passed and that may still get an entry
//	inflight     counts calls in progress, so that Close can refuse, cancel and wait
//	neterr       classifies errors of connections: lost, timed out, TLS, names
//	otlppb       spans of the SDK to protobuf of OTLP, and the reverse
//	outcome      what became of a batch: stored, missing, refused
//	paging       pages whose size adapts to the bytes that were read; reading ahead
//	serverstate  tables of a server's errors: which pass, which stay
//	sink         what the sinks share: the names in a resource
//	tlsconfig    TLS configurations from the options of a connection string
//
// Other packages below internal:
//
//	finaljson    lets bridge/convert hand over the JSON of a notification with it
//	pyjson       JSON as Python's json module reads and writes it
//	safetext     which characters of outside text may be printed
//	doctest      runs the code blocks of README and docs
//	bench        measures this project beside bare clients and the Python library
//	faults       exports spans while a server is killed, halted, cut off or full
//	loginsightserver a strict test server of Log Insight's REST API
//	osloconfig   reads what OSProfiler needs from files of oslo.config
//	interop      tests with the Python library in both directions
//	browsertest  tests the web page of reader/render/html in Chromium; a module of its own
//	testenv      finds or starts the servers that tests need
//
// exporter/messaging/internal has bus, which is the interface through which exporter/messaging
// uses a broker, and its implementations rabbitmq and kafka. They move message bodies without
// parsing them.
//
// reader/internal has describe, which describes in one line an operation and its outcome, and
// dot, which writes graphs for Graphviz.
//
// exporter/redis/internal/quiet stops the default logger of go-redis from writing to the
// stderr of a service.
//
// cmd/osp/internal has monitor, the health, readiness and metrics of the running relay, and
// sdnotify, which notifies systemd that the relay is ready.
//
// examples/otel-demo is a small traced cloud. examples/join is a service that exports to OTLP
// and joins OSProfiler. examples/mixed-cloud is one trace across osprofiler and OpenTelemetry
// in Python and Go. examples/relay is the set-up of a relay as a service.
// examples/memory-store is a back end in a module of its own.
//
// docs/adding-a-back-end.md explains step by step how to write a back end in a module of its
// own. The doc comments of an interface say what a package may rely on. docs/adr says why a
// decision was made.
//
// # Text
//
// Most stores hold JSON, so a Notification carries its info as text. The text is parsed only
// for a caller who reads members. A parsed notification keeps its original text. When it is
// read and written again, it is the same JSON value, with unknown members, the order of keys,
// numbers of any size, NaN and lone surrogates. A newly written notification has exactly the
// bytes of Python's json.dumps.
package osprofiler
