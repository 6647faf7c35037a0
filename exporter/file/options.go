package file

type config struct {
	readOnly    bool
	allowShared bool
	sync        bool
}

// An Option changes how a file is used.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly refuses to write and to delete. The file must exist.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithSharedFile allows writing to a file that another account may have created:
// a file that everybody may write, or that belongs to another account. By
// default such a file is refused, because others could read or change the
// notifications.
func WithSharedFile() Option { return optionFunc(func(c *config) { c.allowShared = true }) }

// WithSync sets whether Write waits until the batch is on the disk, so that the
// batch outlives a loss of power. By default it does.
func WithSync(on bool) Option { return optionFunc(func(c *config) { c.sync = on }) }

func newConfig(opts []Option) config {
	c := config{sync: true}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}
