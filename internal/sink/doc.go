// Package sink has the common parts of the exporters that send spans to OTLP and to
// Jaeger: the names in a span's resource, and the shutdown of an exporter.
package sink
