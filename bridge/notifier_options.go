package bridge

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// A NotifierOption changes how a Notifier works. Values that are not positive select
// the default.
type NotifierOption interface{ applyNotifier(*notifierConfig) }

type notifierConfig struct {
	conversion        []convert.Option
	maxWaiting        int
	maxBytes          int64
	maxAge            time.Duration
	rememberCount     int
	rememberTime      time.Duration
	concurrentExports int
	released          func(number uint64)
}

type notifierOption func(*notifierConfig)

func (f notifierOption) applyNotifier(c *notifierConfig) { f(c) }

// These are the defaults of a Notifier's bounds.
const (
	DefaultMaxWaiting      = 100_000
	DefaultMaxBytes        = 64 << 20
	DefaultMaxAge          = 10 * time.Minute
	DefaultRememberedCount = 1 << 17
	DefaultRememberedTime  = 10 * time.Minute
)

// WithMaxWaiting sets how many notifications may wait for the other half of their
// operation.
func WithMaxWaiting(notifications int) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.maxWaiting = notifications })
}

// WithMaxBytes sets how many bytes of memory the waiting notifications may use: their
// texts and a fixed amount for each.
func WithMaxBytes(bytes int64) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.maxBytes = bytes })
}

// WithMaxAge sets how long a notification waits for the other half of its operation.
func WithMaxAge(age time.Duration) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.maxAge = age })
}

// WithDuplicateWindow sets the largest number of exported notifications that are remembered,
// and for how long, so that equal notifications that come later are duplicates. At least about
// half of that number is remembered for about half of that time. Each takes about 32 bytes of
// memory.
func WithDuplicateWindow(notifications int, age time.Duration) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.rememberCount, c.rememberTime = notifications, age })
}

// WithConcurrentExports sets the largest number of concurrent calls of the exporter. The
// default is 1, because the SDK's contract requires no more of an exporter. The exporters of
// this project allow any number. The option has no effect on a Notifier for a processor.
func WithConcurrentExports(exports int) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.concurrentExports = exports })
}

// WithConversion sets how notifications become spans: the semantic conventions and
// the redaction.
func WithConversion(opts ...convert.Option) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.conversion = append(c.conversion, opts...) })
}

func newNotifierConfig(opts []NotifierOption) notifierConfig {
	var c notifierConfig
	for _, opt := range opts {
		opt.applyNotifier(&c)
	}
	setDefault(&c.maxWaiting, DefaultMaxWaiting)
	setDefault(&c.maxBytes, DefaultMaxBytes)
	setDefault(&c.maxAge, DefaultMaxAge)
	setDefault(&c.rememberCount, DefaultRememberedCount)
	setDefault(&c.rememberTime, DefaultRememberedTime)
	setDefault(&c.concurrentExports, 1)
	return c
}

func setDefault[T int | int64 | time.Duration](value *T, preset T) {
	if *value <= 0 {
		*value = preset
	}
}
