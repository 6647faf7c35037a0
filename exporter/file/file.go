// Package file is the store in a file of one notification a line, as JSON
// (JSON Lines): to keep a trace, to send one to somebody, to pipe through
// other tools. Importing it registers the scheme file://.
//
// Several processes may append to one file at once. What a crash left half
// written is skipped when reading, and reported as *store.Damage; the next
// Write starts on a line of its own. See docs/stores/file.md.
package file

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"file"}, OpenStore: openConnectionString})
}

// A Store keeps notifications in a file. It implements store.Store,
// store.ErrorTracer and store.Changer.
type Store struct {
	path string
	config

	done      chan struct{} // closed by Close
	closeOnce sync.Once

	turn chan *os.File // holds the file, nil if it is not open, while nobody writes

	longest int64 // the longest line that is written
}

type config struct {
	readOnly    bool
	allowShared bool
	sync        bool
}

// An Option changes how a file is opened.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly opens a file that exists, for reading only.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithSharedFile allows writing into a file that others could have planted: one
// that everybody may write, or that another account owns. By default such a
// file is refused, as others could read or change the notifications.
func WithSharedFile() Option { return optionFunc(func(c *config) { c.allowShared = true }) }

// WithSync says whether Write waits until the disk has the batch, so that nil
// outlives a loss of power. By default it does.
func WithSync(on bool) Option { return optionFunc(func(c *config) { c.sync = on }) }

func newConfig(opts []Option) config {
	c := config{sync: true}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// Open opens the file, and creates it if it is not there, unless it is to be
// read only. The error says in one sentence why it cannot be used.
func Open(path string, opts ...Option) (*Store, error) {
	s := &Store{path: path, config: newConfig(opts), done: make(chan struct{}), turn: make(chan *os.File, 1), longest: longest - 1}
	if s.readOnly {
		f, err := s.openForReading()
		if err != nil {
			return nil, err
		}
		s.turn <- nil
		return s, f.Close()
	}
	f, err := s.openForWriting()
	if err != nil {
		return nil, err
	}
	s.turn <- f
	return s, nil
}

// alive tells whether a method may go on.
func (s *Store) alive(ctx context.Context) error {
	select {
	case <-s.done:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}

// Close closes the file. A Write that is under way ends first.
func (s *Store) Close() (err error) {
	s.closeOnce.Do(func() {
		close(s.done)
		if f := <-s.turn; f != nil {
			if err = f.Close(); err != nil {
				err = fmt.Errorf("cannot close the file %q: %w", s.path, backend.Reason(err))
			}
		}
	})
	return err
}
