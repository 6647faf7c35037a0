// Package sink has what the exporters share that send spans as spans, to OTLP and to
// Jaeger: the names in a span's resource, and the end of an exporter.
package sink
