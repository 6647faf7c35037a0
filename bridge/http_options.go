package bridge

import "go.opentelemetry.io/otel/propagation"

// An HTTPOption changes how [NewHandler] and [NewTransport] work.
type HTTPOption interface{ applyHTTP(*httpConfig) }

type httpConfig struct {
	profiler   *Profiler
	propagator propagation.TextMapPropagator
}

type httpOption func(*httpConfig)

func (f httpOption) applyHTTP(c *httpConfig) { f(c) }

// WithProfiler sets the Profiler of the operations. The default is NewProfiler().
func WithProfiler(p *Profiler) HTTPOption {
	return httpOption(func(c *httpConfig) { c.profiler = p })
}

// WithPropagator sets the propagator that reads or writes the headers. The default is
// [NewPropagators] with the keys of the Profiler.
func WithPropagator(p propagation.TextMapPropagator) HTTPOption {
	return httpOption(func(c *httpConfig) { c.propagator = p })
}

func newHTTPConfig(opts []HTTPOption) (c httpConfig) {
	for _, opt := range opts {
		opt.applyHTTP(&c)
	}
	if c.profiler == nil {
		c.profiler = NewProfiler()
	}
	if c.propagator == nil {
		c.propagator = NewPropagators(c.profiler.keys)
	}
	return c
}
