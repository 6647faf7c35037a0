package relay

import "time"

// A FollowOption changes how [Follow] works.
type FollowOption interface{ applyFollow(*followConfig) }

type followOptionFunc func(*followConfig)

func (f followOptionFunc) applyFollow(c *followConfig) { f(c) }

// A CommonOption is for [Copy] and for [Follow].
type CommonOption interface {
	Option
	FollowOption
}

type followConfig struct {
	state       *State
	filter      *Filter
	deadLetters *DeadLetters
	warning     func(error)
	started     func()
	redactor
	poll, grace time.Duration
}

// The defaults of the options of [Follow].
const (
	DefaultPollInterval = time.Second
	DefaultGrace        = 10 * time.Second
)

// WithState keeps in a directory what a restart needs: how far each source was read, the
// halves that wait for their other half, and the traces that the filter holds. So a source is
// acknowledged at once. Without it, a position is acknowledged to the source when nothing
// before that position waits any longer.
func WithState(s *State) FollowOption { return followOptionFunc(func(c *followConfig) { c.state = s }) }

// WithFilter hands on only the traces that the filter selects.
func WithFilter(filter Filter) FollowOption {
	return followOptionFunc(func(c *followConfig) { c.filter = &filter })
}

// WithDeadLetters writes to a file the messages of a bus that cannot be read and those that a
// target refuses permanently, and then acknowledges them. Without it these messages stay on
// the bus.
func WithDeadLetters(d *DeadLetters) FollowOption {
	return followOptionFunc(func(c *followConfig) { c.deadLetters = d })
}

// WithPollInterval sets how long Follow waits before it reads a source again that had nothing
// new. The default is [DefaultPollInterval].
func WithPollInterval(d time.Duration) FollowOption {
	return followOptionFunc(func(c *followConfig) { c.poll = d })
}

// WithGrace sets how long the targets have, after the end of the context, to take what
// was read. The default is [DefaultGrace].
func WithGrace(d time.Duration) FollowOption {
	return followOptionFunc(func(c *followConfig) { c.grace = d })
}

// WithStarted sets a function that Run calls when it has read the state directory, before it
// reads the sources. Run does not call it if the state directory cannot be used.
func WithStarted(started func()) FollowOption {
	return followOptionFunc(func(c *followConfig) { c.started = started })
}

func newFollowConfig(opts []FollowOption) followConfig {
	c := followConfig{warning: func(error) {}, started: func() {}}
	for _, opt := range opts {
		opt.applyFollow(&c)
	}
	if c.poll <= 0 {
		c.poll = DefaultPollInterval
	}
	if c.grace <= 0 {
		c.grace = DefaultGrace
	}
	return c
}
