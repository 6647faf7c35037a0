package convert

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/tags"
)

// Redacted returns the span without the values that the redaction removes from its attributes,
// events, links and status. An exporter that sends spans without conversion calls it for each
// span.
func Redacted(s sdktrace.ReadOnlySpan, by tags.Redaction) sdktrace.ReadOnlySpan {
	c := Converter{cfg: config{redaction: by}}
	return c.redacted(s)
}
