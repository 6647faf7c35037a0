package convert

import (
	"os"

	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Converter converts with the given options. It may be used by many goroutines. It caches
// the text of the resources that it has seen, so keep one Converter for many spans.
type Converter struct {
	cfg       config
	resources resourceTexts
}

type config struct {
	project, service, host string
	redaction              tags.Redaction
	conventions            tags.Conventions
	spanNames, kindNames   bool
	localHost              string // for spans whose resource has no host
}

// An Option changes what a Converter does.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithProject sets the project of all notifications. The default is the resource's
// service.namespace.
func WithProject(project string) Option { return optionFunc(func(c *config) { c.project = project }) }

// WithService sets the service of all notifications. The default is the resource's
// service.name.
func WithService(service string) Option { return optionFunc(func(c *config) { c.service = service }) }

// WithHost sets the host of all notifications. The default is the resource's
// host.name, or this machine's host name if the resource has none.
func WithHost(host string) Option { return optionFunc(func(c *config) { c.host = host }) }

// WithRedaction removes sensitive values from infos and attributes before
// anything is converted.
func WithRedaction(r tags.Redaction) Option { return optionFunc(func(c *config) { c.redaction = r }) }

// WithConventions sets the semantic conventions for the attributes of spans that
// are made from notifications. The default is [tags.Stable].
func WithConventions(v tags.Conventions) Option {
	return optionFunc(func(c *config) { c.conventions = v })
}

// WithSpanNames gives every operation its span's own name. Without it, calls of a known kind
// get the names that OSProfiler's own instrumentation uses (wsgi, http, https, db, rpc). The
// statistics and graphs of the Python library look for these names.
func WithSpanNames() Option { return optionFunc(func(c *config) { c.spanNames = true }) }

// WithKindNames gives a call of a known kind OSProfiler's name of that kind, even if no
// attribute says what was called. A caller that converts the start of a span before its end
// needs this option, because attributes that are added later would change the name.
func WithKindNames() Option { return optionFunc(func(c *config) { c.kindNames = true }) }

// New returns a Converter.
func New(opts ...Option) *Converter {
	cfg := config{}
	for _, opt := range opts {
		opt.apply(&cfg)
	}
	cfg.localHost, _ = os.Hostname()
	return &Converter{cfg: cfg}
}
