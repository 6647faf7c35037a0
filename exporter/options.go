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

func converting(o convert.Option) Option {
	return optionFunc(func(c *config) { c.convert = append(c.convert, o) })
}

// WithProject sets the project; without it, it is the resource's service.namespace.
func WithProject(project string) Option { return converting(convert.WithProject(project)) }

// WithService sets the service; without it, it is the resource's service.name.
func WithService(service string) Option { return converting(convert.WithService(service)) }

// WithHost sets the host; without it, it is the resource's host.name, else
// this machine's host name.
func WithHost(host string) Option { return converting(convert.WithHost(host)) }

// WithSpanNames keeps the spans' own names, instead of naming known kinds of
// calls as OSProfiler does (wsgi, http, https, db, rpc).
func WithSpanNames() Option { return converting(convert.WithSpanNames()) }

// WithRedaction removes what is sensitive before anything is written.
func WithRedaction(r tags.Redaction) Option { return converting(convert.WithRedaction(r)) }

// WithFilterErrorTrace makes stores that cannot find failing traces otherwise
// keep a record of each, as upstream's filter_error_trace does. It holds for
// stores that [Open] opens.
func WithFilterErrorTrace() Option {
	return optionFunc(func(c *config) { c.store = append(c.store, store.WithFilterErrorTrace(true)) })
}

// WithRetry says how transient failures are repeated.
func WithRetry(r store.Retry) Option { return optionFunc(func(c *config) { c.retry = r }) }
