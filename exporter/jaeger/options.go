package jaeger

import (
	"crypto/tls"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/sink"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

const (
	// maxDatagramSize is the largest datagram that a Jaeger agent takes by default.
	maxDatagramSize = 65_000
	// defaultHTTPSize leaves a reverse proxy with the usual limit of 1 MB in the way.
	defaultHTTPSize = 1_000_000
	// leastMessageSize leaves room for the process, a span and the tags of cut values.
	leastMessageSize = 4096

	defaultTimeout = 10 * time.Second
	// defaultPause leaves a receiver the time to empty its socket buffer, which holds
	// three datagrams of the largest size on Linux.
	defaultPause = 5 * time.Millisecond
)

// A config has the values of the options.
type config struct {
	naming         sink.Naming
	redaction      tags.Redaction
	retry          store.Retry
	maxMessageSize int // 0 is the default of the transport

	// of the connection
	pause   time.Duration // behind a datagram of the largest size
	tls     *tls.Config
	token   string
	timeout time.Duration // of one request
}

// An Option changes how an Exporter works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

func newConfig(opts []Option) config {
	c := config{pause: defaultPause, timeout: defaultTimeout}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// WithMaxMessageSize sets the size in bytes of the largest datagram or request. The
// default is 65,000 for UDP, which is also the most, and 1,000,000 for HTTP. A span that
// is larger than a datagram loses its largest values. By HTTP it is sent alone. Values
// below 4,096 select 4,096.
func WithMaxMessageSize(bytes int) Option {
	return optionFunc(func(c *config) { c.maxMessageSize = max(bytes, leastMessageSize) })
}

// WithServiceNamePrefix begins the joined service names: prefix-project-service.
func WithServiceNamePrefix(prefix string) Option {
	return optionFunc(func(c *config) { c.naming.Prefix = prefix })
}

// WithJoinedServiceNames also joins project and service of spans that a Tracer made.
// Without it, only spans that were made from notifications get joined names.
func WithJoinedServiceNames() Option {
	return optionFunc(func(c *config) { c.naming.Join = true })
}

// WithProject sets the project, which is the resource's service.namespace.
func WithProject(project string) Option {
	return optionFunc(func(c *config) { c.naming.Project = project })
}

// WithService sets the service, which is the resource's service.name before names are
// joined.
func WithService(service string) Option {
	return optionFunc(func(c *config) { c.naming.Service = service })
}

// WithHost sets the host, which is the resource's host.name.
func WithHost(host string) Option { return optionFunc(func(c *config) { c.naming.Host = host }) }

// WithRedaction removes sensitive values before anything is sent.
func WithRedaction(r tags.Redaction) Option {
	return optionFunc(func(c *config) { c.redaction = r })
}

// WithRetry sets how transient failures are repeated.
func WithRetry(r store.Retry) Option { return optionFunc(func(c *config) { c.retry = r }) }

// WithPause sets how long to wait after a datagram of the largest size, so that the
// receiver can read it. After a smaller datagram the pause is shorter. The default is 5 ms.
// A receiver that gets datagrams faster than it reads them loses some without a report.
// 0 does not wait.
func WithPause(d time.Duration) Option {
	return optionFunc(func(c *config) { c.pause = max(d, 0) })
}

// WithTLSConfig sets the TLS configuration for jaeger+https://. Options for TLS in the
// connection string are an error then.
func WithTLSConfig(t *tls.Config) Option { return optionFunc(func(c *config) { c.tls = t }) }

// WithToken sends a bearer token with each HTTP request. A user in the connection string
// is an error then.
func WithToken(token string) Option { return optionFunc(func(c *config) { c.token = token }) }

// WithTimeout sets how long one HTTP request may take. The default is 10 seconds. Values
// that are not positive select the default.
func WithTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) {
		if d > 0 {
			c.timeout = d
		}
	})
}

// sinkOptions returns the options of exporter.Open.
func sinkOptions(o exporter.SinkOptions) []Option {
	return []Option{
		WithRetry(o.Retry), WithRedaction(o.Redaction), WithProject(o.Project), WithService(o.Service), WithHost(o.Host),
		WithServiceNamePrefix(o.ServiceNamePrefix),
	}
}
