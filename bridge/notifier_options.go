package bridge

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// A NotifierOption changes how a Notifier works. Of what is to be positive, any
// other value stands for the default.
type NotifierOption interface{ applyNotifier(*notifierConfig) }

type notifierConfig struct {
	conversion        []convert.Option
	maxWaiting        int
	maxBytes          int64
	maxAge            time.Duration
	rememberCount     int
	rememberTime      time.Duration
	concurrentExports int
}

type notifierOption func(*notifierConfig)

func (f notifierOption) applyNotifier(c *notifierConfig) { f(c) }

// The bounds of a Notifier without options.
const (
	DefaultMaxWaiting      = 100_000
	DefaultMaxBytes        = 64 << 20
	DefaultMaxAge          = 10 * time.Minute
	DefaultRememberedCount = 1 << 17
	DefaultRememberedTime  = 10 * time.Minute
)

// WithMaxWaiting sets how many notifications may wait for the other half of
// their operation.
func WithMaxWaiting(notifications int) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.maxWaiting = notifications })
}

// WithMaxBytes sets how many bytes of memory those that wait may hold: their
// texts and a fixed amount for each.
func WithMaxBytes(bytes int64) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.maxBytes = bytes })
}

// WithMaxAge sets how long a notification waits for its operation's other half.
func WithMaxAge(age time.Duration) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.maxAge = age })
}

// WithDuplicateWindow sets how many of the notifications that were handed on
// are remembered, and how long, so that equal ones that come again are known as
// duplicates: never more nor longer than that, and about half of either in any
// case. Each takes some 32 bytes of memory.
func WithDuplicateWindow(notifications int, age time.Duration) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.rememberCount, c.rememberTime = notifications, age })
}

// WithConcurrentExports lets the Notifier call its exporter so many times at
// once. The SDK's contract demands no more than one of an exporter; those of
// this project take any number.
func WithConcurrentExports(exports int) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.concurrentExports = exports })
}

// WithConversion sets how notifications become spans: by which semantic
// conventions, and what is redacted.
func WithConversion(opts ...convert.Option) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.conversion = append(c.conversion, opts...) })
}

func newNotifierConfig(opts []NotifierOption) notifierConfig {
	var c notifierConfig
	for _, opt := range opts {
		opt.applyNotifier(&c)
	}
	orDefaultOf(&c.maxWaiting, DefaultMaxWaiting)
	orDefaultOf(&c.maxBytes, DefaultMaxBytes)
	orDefaultOf(&c.maxAge, DefaultMaxAge)
	orDefaultOf(&c.rememberCount, DefaultRememberedCount)
	orDefaultOf(&c.rememberTime, DefaultRememberedTime)
	orDefaultOf(&c.concurrentExports, 1)
	return c
}

func orDefaultOf[T int | int64 | time.Duration](value *T, standard T) {
	if *value <= 0 {
		*value = standard
	}
}
