// Package jaeger sends spans to Jaeger in Jaeger's own format, thrift: by UDP to an agent,
// or by HTTP to a collector. Importing the package registers the schemes jaeger://,
// jaeger+http:// and jaeger+https:// in package exporter.
//
// Prefer package exporter/otlp. Every Jaeger since version 1.35 takes OTLP, which says
// more of a span, and a request has an answer. This package is for an agent or a collector
// that takes nothing else, and for services whose connection string is still jaeger://.
// See docs/jaeger.md.
//
// The files: span.go, tags.go and python.go map spans; batch.go and trim.go make messages
// of a bounded size; udp.go and http.go send them; deliver.go repeats and reports.
//
// # Limitations
//
// Jaeger counts time in microseconds. A reference has no place for the attributes and the
// trace state of a link. UDP has no answer: a datagram that is lost on its way is not
// reported.
package jaeger
