package live

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

type config struct {
	convert []convert.Option
	store   []store.Option
	retry   store.Retry
	limits  limits
}

// limits bound the queue, the batches and the reports.
type limits struct {
	queueSize      int   // notifications
	queueBytes     int64 // bytes
	batchSize      int   // notifications
	batchDelay     time.Duration
	writeTimeout   time.Duration
	reportInterval time.Duration
}

// An Option changes how a Processor works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

func newConfig(opts []Option) config {
	c := config{limits: limits{
		queueSize:      8192,
		queueBytes:     16 << 20,
		batchSize:      512,
		batchDelay:     100 * time.Millisecond,
		writeTimeout:   30 * time.Second,
		reportInterval: 10 * time.Second,
	}}
	for _, opt := range opts {
		opt.apply(&c)
	}
	c.limits.batchSize = min(c.limits.batchSize, c.limits.queueSize)
	return c
}

func withConversion(o convert.Option) Option {
	return optionFunc(func(c *config) { c.convert = append(c.convert, o) })
}

// WithProject sets the project. The default is the resource's service.namespace.
func WithProject(project string) Option { return withConversion(convert.WithProject(project)) }

// WithService sets the service. The default is the resource's service.name.
func WithService(service string) Option { return withConversion(convert.WithService(service)) }

// WithHost sets the host. The default is the resource's host.name, or this
// machine's host name if the resource has none.
func WithHost(host string) Option { return withConversion(convert.WithHost(host)) }

// WithSpanNames keeps the spans' own names. Without it, calls of a known kind
// are named as OSProfiler names them (wsgi, http, https, db, rpc).
func WithSpanNames() Option { return withConversion(convert.WithSpanNames()) }

// WithRedaction removes sensitive values before anything is written.
func WithRedaction(r tags.Redaction) Option { return withConversion(convert.WithRedaction(r)) }

// WithFilterErrorTrace makes a store that cannot find failed traces otherwise
// keep a record of each, like the Python library's option filter_error_trace. It
// affects stores that [Open] opens.
func WithFilterErrorTrace() Option {
	return optionFunc(func(c *config) { c.store = append(c.store, store.WithFilterErrorTrace(true)) })
}

// WithRetry sets how often and how long transient failures are retried.
// [WithWriteTimeout] applies as well.
func WithRetry(r store.Retry) Option { return optionFunc(func(c *config) { c.retry = r }) }

// WithQueueSize bounds the queue to a number of notifications. The batch that is
// being written counts. A span has two notifications. The default is 8192, which
// a value below 2 selects.
func WithQueueSize(notifications int) Option {
	return withLimit(notifications > 1, func(l *limits) { l.queueSize = notifications })
}

// WithQueueBytes bounds the memory of the queue, in bytes. The memory is
// estimated from the length of the spans' texts and the number of their
// attributes, events and links. The default is 16 MiB (16777216), which a value
// below 1 selects.
func WithQueueBytes(bytes int) Option {
	return withLimit(bytes > 0, func(l *limits) { l.queueBytes = int64(bytes) })
}

// WithBatchSize bounds the notifications of one write. A batch of that size is
// written at once. The default is 512, which a value below 1 selects. A batch is
// never larger than the queue.
func WithBatchSize(notifications int) Option {
	return withLimit(notifications > 0, func(l *limits) { l.batchSize = notifications })
}

// WithBatchDelay sets how long the first notification of a batch waits for more.
// An operation that hangs is in the store after this delay and the time of a
// write. The default is 100 ms, which a value below 1 ns selects.
func WithBatchDelay(d time.Duration) Option {
	return withLimit(d > 0, func(l *limits) { l.batchDelay = d })
}

// WithWriteTimeout bounds the time for writing one batch, including all
// retries. After that time the batch counts as failed, and the next one is
// written. The default is 30 s, which a value below 1 ns selects.
func WithWriteTimeout(d time.Duration) Option {
	return withLimit(d > 0, func(l *limits) { l.writeTimeout = d })
}

// WithReportInterval sets the shortest time between two reports of losses. The
// first report comes after a tenth of the interval, the last one at Shutdown.
// The default is 10 s, which a value below 1 ns selects.
func WithReportInterval(d time.Duration) Option {
	return withLimit(d > 0, func(l *limits) { l.reportInterval = d })
}

func withLimit(valid bool, set func(*limits)) Option {
	return optionFunc(func(c *config) {
		if valid {
			set(&c.limits)
		}
	})
}
