package reader

import (
	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

type config struct {
	host      hostFunc
	converter *convert.Converter
}

// A hostFunc returns the raw JSON value of a notification's host.
type hostFunc func(n *osprofiler.Notification) (raw string, ok bool)

// An Option is an option of [Open] and [New].
type Option interface{ apply(*config) }

// A ReportOption is an option of [BuildReport], and of [Open] and [New] too.
type ReportOption interface {
	Option
	report()
}

type reportOption func(*config)

func (f reportOption) apply(c *config) { f(c) }
func (reportOption) report()           {}

type option func(*config)

func (f option) apply(c *config) { f(c) }

// WithConverter sets how [Reader.Spans] makes spans: its conventions and
// redaction. The default is convert.New().
func WithConverter(converter *convert.Converter) Option {
	return option(func(c *config) { c.converter = converter })
}

// WithHost sets the source of an operation's host: the function returns it as raw JSON. The
// default is the member "host" of the info. A [Reader] gets the function from its store,
// because some back ends keep the host elsewhere.
func WithHost(host func(n *osprofiler.Notification) (raw string, ok bool)) ReportOption {
	return reportOption(func(c *config) { c.host = host })
}
