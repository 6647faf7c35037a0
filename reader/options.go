package reader

import (
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

type config struct {
	upstream  bool
	declared  store.Upstream
	converter *convert.Converter
}

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

// WithUpstreamAnswers asks for what the Python library (osprofiler 4.4)
// answers, also where that is wrong or fails.
func WithUpstreamAnswers() ReportOption {
	return reportOption(func(c *config) { c.upstream = true })
}

// WithDeclared tells how upstream's driver for the back end answers; a
// [Reader] takes it from its store. Host is used for both kinds of answers,
// Payload for upstream's only: in ours the payload is the whole notification.
func WithDeclared(u store.Upstream) ReportOption {
	return reportOption(func(c *config) { c.declared = u })
}
