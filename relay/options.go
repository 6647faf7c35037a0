package relay

import (
	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// An Option changes how [Copy] copies.
type Option interface{ apply(*config) }

type config struct {
	dryRun   bool
	progress func(Counts)
	warning  func(error)
	redactor
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithDryRun reads and compares, but writes nothing, creates nothing and acknowledges
// nothing. [TargetCounts] then reports how many notifications would be written.
func WithDryRun() Option { return optionFunc(func(c *config) { c.dryRun = true }) }

// WithProgress calls f again and again while Copy copies, from one goroutine. The
// Counts are valid until f returns.
func WithProgress(f func(Counts)) Option { return optionFunc(func(c *config) { c.progress = f }) }

// WithWarning calls f for each entry that cannot be read, once for each entry, and for each
// batch of which a target refuses a part. The error says which part. [Follow] also calls f
// when a source or a target begins to fail, once for each reason. Follow calls f from one
// goroutine at a time.
func WithWarning(f func(error)) CommonOption { return warningOption(f) }

type warningOption func(error)

func (f warningOption) apply(c *config)             { c.warning = f }
func (f warningOption) applyFollow(c *followConfig) { c.warning = f }

func newConfig(opts []Option) config {
	c := config{progress: func(Counts) {}, warning: func(error) {}}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// A StoreOption changes how a store is used as a source or as a target.
type StoreOption interface{ applyStore(*storeConfig) }

type storeConfig struct{ retry store.Retry }

type storeOptionFunc func(*storeConfig)

func (f storeOptionFunc) applyStore(c *storeConfig) { f(c) }

// WithRetry sets how reading and writing is repeated if it fails for a transient reason.
// Without it the defaults of [store.Retry] apply.
func WithRetry(r store.Retry) StoreOption {
	return storeOptionFunc(func(c *storeConfig) { c.retry = r })
}

func newStoreConfig(opts []StoreOption) (c storeConfig) {
	for _, opt := range opts {
		opt.applyStore(&c)
	}
	return c
}

// WithRedaction removes sensitive values from each notification when it is read. So no
// target, no dead letter and no file of the state directory contains them. The body of a
// message that cannot be read is not a notification, and stays as it is.
func WithRedaction(r tags.Redaction) CommonOption { return redactionOption(r) }

type redactionOption tags.Redaction

func (r redactionOption) apply(c *config)             { c.redactor = redactor(r) }
func (r redactionOption) applyFollow(c *followConfig) { c.redactor = redactor(r) }

// A redactor removes sensitive values. The zero redactor changes nothing.
type redactor tags.Redaction

func (r redactor) redact(n *osprofiler.Notification) {
	if r != (redactor{}) {
		*n = convert.RedactedNotification(n, tags.Redaction(r))
	}
}
