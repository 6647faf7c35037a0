// Package monitor reports to operators whether a relay works: by HTTP (/healthz, /readyz and
// /metrics) and by OpenTelemetry metrics.
//
// It is internal to the command, so that a program that uses package relay or an
// exporter gets neither an HTTP server nor the client libraries of metrics.
package monitor
