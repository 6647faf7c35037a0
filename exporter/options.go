package exporter

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
	live    liveConfig
}

// liveConfig is what only a LiveProcessor has.
type liveConfig struct {
	queueSize      int   // notifications
	queueBytes     int64 // bytes
	batchSize      int   // notifications
	batchDelay     time.Duration
	writeTimeout   time.Duration
	reportInterval time.Duration
}

// An Option changes how an Exporter or a LiveProcessor works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

func newConfig(opts []Option) config {
	c := config{live: liveConfig{
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
	c.live.batchSize = min(c.live.batchSize, c.live.queueSize)
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
// stores that [Open] and [OpenLive] open.
func WithFilterErrorTrace() Option {
	return optionFunc(func(c *config) { c.store = append(c.store, store.WithFilterErrorTrace(true)) })
}

// WithRetry says how transient failures are repeated. Of a [LiveProcessor] the
// time of [WithWriteTimeout] holds besides.
func WithRetry(r store.Retry) Option { return optionFunc(func(c *config) { c.retry = r }) }

// WithQueueSize bounds the queue of a [LiveProcessor] to so many
// notifications, those of the batch that is being written among them; a span
// has two. The default is 8192; a value below 2 leaves it. It has no effect on
// an [Exporter], which has no queue.
func WithQueueSize(notifications int) Option {
	return live(notifications > 1, func(c *liveConfig) { c.queueSize = notifications })
}

// WithQueueBytes bounds the queue of a [LiveProcessor] to about so many bytes
// of memory, reckoned from the length of the spans' texts and the number of
// their attributes, events and links. The default is 16 MiB (16777216); a
// value below 1 leaves it. It has no effect on an [Exporter].
func WithQueueBytes(bytes int) Option {
	return live(bytes > 0, func(c *liveConfig) { c.queueBytes = int64(bytes) })
}

// WithBatchSize makes a [LiveProcessor] write at most so many notifications in
// one call of the store's Write, and write as soon as so many wait. The default
// is 512, never more than the queue holds; a value below 1 leaves it. It has no
// effect on an [Exporter], which writes the batches that it is given.
func WithBatchSize(notifications int) Option {
	return live(notifications > 0, func(c *liveConfig) { c.batchSize = notifications })
}

// WithBatchDelay is how long a [LiveProcessor] waits, from the first
// notification of a batch on, for more of them. So long after its start, plus
// the time of a write, a hanging operation is seen in the store. The default is
// 100 ms; a value below 1 ns leaves it. It has no effect on an [Exporter].
func WithBatchDelay(d time.Duration) Option {
	return live(d > 0, func(c *liveConfig) { c.batchDelay = d })
}

// WithWriteTimeout is how long a [LiveProcessor] tries to write one batch, all
// repetitions together; then the batch is counted as failed and the next one
// has its turn. The default is 30 s; a value below 1 ns leaves it. It has no
// effect on an [Exporter], whose caller gives the time by a context.
func WithWriteTimeout(d time.Duration) Option {
	return live(d > 0, func(c *liveConfig) { c.writeTimeout = d })
}

// WithReportInterval is the shortest time between two reports of a
// [LiveProcessor] about what was lost; the first comes after a tenth of it,
// the last at Shutdown. The default is 10 s; a value below 1 ns
// leaves it. It has no effect on an [Exporter], which returns its errors.
func WithReportInterval(d time.Duration) Option {
	return live(d > 0, func(c *liveConfig) { c.reportInterval = d })
}

func live(valid bool, set func(*liveConfig)) Option {
	return optionFunc(func(c *config) {
		if valid {
			set(&c.live)
		}
	})
}
