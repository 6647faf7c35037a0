package exporter

import (
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

type config struct {
	convert []convert.Option
	store   []store.Option
	retry   store.Retry
	sink    SinkOptions // except Retry
}

// An Option changes how an Exporter works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

func newConfig(opts []Option) (c config) {
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// withConversion returns the option for stores, which need notifications, and for
// sinks.
func withConversion(o convert.Option, forSink func(*SinkOptions)) Option {
	return optionFunc(func(c *config) {
		c.convert = append(c.convert, o)
		forSink(&c.sink)
	})
}

// WithProject sets the project. The default is the resource's service.namespace.
func WithProject(project string) Option {
	return withConversion(convert.WithProject(project), func(o *SinkOptions) { o.Project = project })
}

// WithService sets the service. The default is the resource's service.name.
func WithService(service string) Option {
	return withConversion(convert.WithService(service), func(o *SinkOptions) { o.Service = service })
}

// WithHost sets the host. The default is the resource's host.name, or this
// machine's host name if the resource has none.
func WithHost(host string) Option {
	return withConversion(convert.WithHost(host), func(o *SinkOptions) { o.Host = host })
}

// WithSpanNames keeps the spans' own names. Without it, calls of a known kind
// are named as OSProfiler names them (wsgi, http, https, db, rpc).
func WithSpanNames() Option {
	return withConversion(convert.WithSpanNames(), func(*SinkOptions) {})
}

// WithRedaction removes sensitive values before anything is written.
func WithRedaction(r tags.Redaction) Option {
	return withConversion(convert.WithRedaction(r), func(o *SinkOptions) { o.Redaction = r })
}

// WithServiceNamePrefix sets the beginning of the service names that a sink forms
// from project and service, as the option service_name_prefix of the Python library
// does. It affects sinks that [Open] opens. An option of the connection string
// takes precedence.
func WithServiceNamePrefix(prefix string) Option {
	return optionFunc(func(c *config) { c.sink.ServiceNamePrefix = prefix })
}

// WithFilterErrorTrace makes a store that cannot find failed traces otherwise
// keep a record of each, like the Python library's option filter_error_trace. It
// affects stores that [Open] opens.
func WithFilterErrorTrace() Option {
	return optionFunc(func(c *config) { c.store = append(c.store, store.WithFilterErrorTrace(true)) })
}

// WithRetry sets how often and how long transient failures are retried.
func WithRetry(r store.Retry) Option { return optionFunc(func(c *config) { c.retry = r }) }
