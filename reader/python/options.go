package python

import "github.com/osprofiler-otel/osprofiler/store"

type config struct{ driver store.PythonAnswers }

// An Option is an option of [BuildReport].
type Option interface{ apply(*config) }

type option func(*config)

func (f option) apply(c *config) { f(c) }

// WithDriver sets how Python's driver for the back end answers. The default are the answers
// of the drivers that keep whole notifications. A [Reader] gets this from its store.
func WithDriver(d store.PythonAnswers) Option {
	return option(func(c *config) { c.driver = d })
}
