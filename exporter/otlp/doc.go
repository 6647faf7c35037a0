// Package otlp sends spans to an OpenTelemetry Collector, Jaeger, Tempo or any other
// target that speaks OTLP. It is a sink: its spans cannot be read back. Importing the
// package registers its schemes for [exporter.Open]:
//
//	otlp://host:4318/path      HTTP, as the Python library's driver; gRPC on port 4317
//	otlp+grpc://host:4317      gRPC
//	otlp+grpcs://host:4317     gRPC with TLS
//	otlp+http://host:4318      HTTP
//	otlp+https://host:4318     HTTP with TLS
//
// Without a host, the standard variables OTEL_EXPORTER_OTLP_* name the target. See
// docs/otlp.md.
//
// Spans that were made from notifications get the service name that the Python
// library's driver forms, project-service. Spans of a Tracer keep their resource.
//
// The connections are made by OpenTelemetry's own clients. The package encodes the
// spans itself, so that nothing of a span is dropped and requests can be cut by their
// size. See docs/adr/022-own-protobuf-by-otels-clients.md.
//
// connection.go, environment.go and tls.go read the configuration, batch.go makes
// requests of spans, deliver.go sends them and handles refusals, grpc.go and http.go
// make the connections, and states.go classifies the answers.
package otlp
