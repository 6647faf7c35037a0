package convert

import (
	"os"

	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Converter converts by its options. It may be used by many goroutines.
type Converter struct{ cfg config }

type config struct {
	project, service, host string
	redaction              tags.Redaction
	conventions            tags.Conventions
	spanNames              bool
	localHost              string // of spans whose resource names none
}

// An Option changes what a Converter does.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithProject sets the project of all notifications; without it, it is the
// resource's service.namespace.
func WithProject(project string) Option { return optionFunc(func(c *config) { c.project = project }) }

// WithService sets the service of all notifications; without it, it is the
// resource's service.name.
func WithService(service string) Option { return optionFunc(func(c *config) { c.service = service }) }

// WithHost sets the host of all notifications; without it, it is the
// resource's host.name, else this machine's host name.
func WithHost(host string) Option { return optionFunc(func(c *config) { c.host = host }) }

// WithRedaction removes what is sensitive, in info and attributes alike,
// before anything is converted.
func WithRedaction(r tags.Redaction) Option { return optionFunc(func(c *config) { c.redaction = r }) }

// WithConventions sets the semantic conventions of the attributes of spans
// that are made from notifications; the default is [tags.Stable].
func WithConventions(v tags.Conventions) Option {
	return optionFunc(func(c *config) { c.conventions = v })
}

// WithSpanNames makes every operation bear its span's own name. Without it,
// calls of a known kind are named as OSProfiler's own instrumentation names
// them (wsgi, http, https, db, rpc), which upstream's statistics and graphs
// look for.
func WithSpanNames() Option { return optionFunc(func(c *config) { c.spanNames = true }) }

// New returns a Converter.
func New(opts ...Option) *Converter {
	cfg := config{}
	for _, opt := range opts {
		opt.apply(&cfg)
	}
	cfg.localHost, _ = os.Hostname()
	return &Converter{cfg: cfg}
}
