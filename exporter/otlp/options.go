package otlp

import (
	"crypto/tls"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/sink"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

const (
	// defaultMaxMessageSize is below the 4 MiB that a gRPC server takes by default.
	defaultMaxMessageSize = 4_000_000
	// leastMessageSize keeps the overhead of a request small.
	leastMessageSize = 1024

	defaultTimeout = 10 * time.Second
)

// A config has the values of the options.
type config struct {
	naming         sink.Naming
	redaction      tags.Redaction
	retry          store.Retry
	maxMessageSize int

	// of the connection
	headers map[string]string
	tls     *tls.Config
	gzip    bool
	timeout time.Duration // of one request
}

// A ConnectionOption changes how [Open] connects.
type ConnectionOption interface{ applyToConnection(*config) }

// An Option changes what an Exporter sends, and when it sends it again. [New] and
// [Open] take it.
type Option interface {
	ConnectionOption
	apply(*config)
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config)             { f(c) }
func (f optionFunc) applyToConnection(c *config) { f(c) }

type connectionOptionFunc func(*config)

func (f connectionOptionFunc) applyToConnection(c *config) { f(c) }

func newConfig() config {
	return config{maxMessageSize: defaultMaxMessageSize, timeout: defaultTimeout}
}

// WithMaxMessageSize sets the size in bytes of the largest request, before
// compression. The default is 4,000,000, because a gRPC server takes 4 MiB by default.
// A span that is larger is sent alone. Values below 1,024 select 1,024.
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

// WithRetry sets how transient failures are repeated. A target that says when it can
// take the next request is asked again then.
func WithRetry(r store.Retry) Option { return optionFunc(func(c *config) { c.retry = r }) }

// WithHeaders adds headers to each request, such as the one with a token. A header of
// the connection string wins over one of the same name here, and both win over
// OTEL_EXPORTER_OTLP_HEADERS.
func WithHeaders(headers map[string]string) ConnectionOption {
	return connectionOptionFunc(func(c *config) {
		c.headers = merged(c.headers, headers)
	})
}

// WithTLSConfig sets the TLS configuration for the schemes with TLS. Options for TLS in
// the connection string are an error then, and the certificates of the environment are
// not used.
func WithTLSConfig(t *tls.Config) ConnectionOption {
	return connectionOptionFunc(func(c *config) { c.tls = t })
}

// WithGzip compresses requests.
func WithGzip() ConnectionOption {
	return connectionOptionFunc(func(c *config) { c.gzip = true })
}

// WithTimeout sets how long one request may take. The default is 10 seconds. Values
// that are not positive select the default.
func WithTimeout(d time.Duration) ConnectionOption {
	return connectionOptionFunc(func(c *config) {
		if d > 0 {
			c.timeout = d
		}
	})
}

// sinkOptions returns the options of exporter.Open.
func sinkOptions(o exporter.SinkOptions) []ConnectionOption {
	return []ConnectionOption{
		WithRetry(o.Retry), WithRedaction(o.Redaction), WithProject(o.Project), WithService(o.Service), WithHost(o.Host),
		WithServiceNamePrefix(o.ServiceNamePrefix),
	}
}
