package otlpreceiver

import (
	"log/slog"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// An Option changes the behaviour of a [Receiver]. The settings of an operator are options of
// the connection string; see the package documentation.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithLogger sets where the receiver reports errors of its clients, such as refused spans and
// requests that cannot be read. The default is [slog.Default].
func WithLogger(l *slog.Logger) Option { return optionFunc(func(c *config) { c.log = l }) }

// WithConversion sets how spans become notifications: project, service, host, names
// and redaction.
func WithConversion(opts ...convert.Option) Option {
	return optionFunc(func(c *config) { c.conversion = append(c.conversion, opts...) })
}
