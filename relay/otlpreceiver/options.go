package otlpreceiver

import (
	"log/slog"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// An Option changes what a [Receiver] does. What an operator sets is in the options of
// the connection string; see the package documentation.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithLogger sets where the receiver reports what its clients do wrong: spans that it
// refuses, requests that it cannot read. The default is [slog.Default].
func WithLogger(l *slog.Logger) Option { return optionFunc(func(c *config) { c.log = l }) }

// WithConversion sets how spans become notifications: project, service, host, names
// and redaction.
func WithConversion(opts ...convert.Option) Option {
	return optionFunc(func(c *config) { c.conversion = append(c.conversion, opts...) })
}
