// Package sql is the store in upstream's table data: the one that the Python
// library's SQLAlchemy driver writes and reads, row for row. Importing it
// registers the scheme sqlite://, for a database in one file.
//
// What the columns cannot say exactly (a text longer than its column, a number
// for an id, a missing member) stands in the data column besides, where the
// Python library does not mind it. See docs/stores/sql.md.
package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"sqlite"}, OpenStore: openConnectionString})
}

// A Store keeps notifications in the table data of a database. It implements
// store.Store, store.ErrorTracer, store.Changer and store.Upstreamer.
type Store struct {
	config
	dialect dialect
	db      *sql.DB

	done    chan struct{} // closed by Close
	closing sync.RWMutex  // held for reading while the database is in use
	turn    chan struct{} // taken by the one goroutine that writes
}

type config struct {
	readOnly    bool
	sync        bool
	busyTimeout time.Duration
}

// An Option changes how a database is opened.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly opens a database that exists, for reading only. Nothing is
// created, and no right to write is needed.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithSync says whether Write waits until the disk has the batch, so that nil
// outlives a loss of power. By default it does. Without, a loss of power may
// also damage the database.
func WithSync(on bool) Option { return optionFunc(func(c *config) { c.sync = on }) }

// WithBusyTimeout says how long to wait while another process has the database
// locked; by default ten seconds. The context's end ends the waiting earlier.
func WithBusyTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.busyTimeout = d })
}

func newConfig(opts []Option) config {
	c := config{sync: true, busyTimeout: 10 * time.Second}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// newStore takes over an open database, and closes it if it cannot be used.
func newStore(ctx context.Context, db *sql.DB, d dialect, c config) (*Store, error) {
	s := &Store{config: c, dialect: d, db: db, done: make(chan struct{}), turn: make(chan struct{}, 1)}
	if err := s.prepare(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
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

// Close closes the database. What is under way ends first; what waits for a
// lock fails with store.ErrClosed.
func (s *Store) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.alive(context.Background()) != nil {
		return nil
	}
	close(s.done)
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("cannot close the database %s: %w", s.dialect.name(), s.dialect.explain(err))
	}
	return nil
}

// use runs f on the database, and again while another process has it locked.
// It holds off Close, so f must not wait for anything else.
func (s *Store) use(ctx context.Context, f func() error) error {
	wait, start := time.Millisecond, time.Now()
	for {
		err := s.once(ctx, f)
		if err == nil || errors.Is(err, store.ErrClosed) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !s.dialect.busy(err) {
			return s.dialect.explain(err)
		}
		if time.Since(start) > s.busyTimeout {
			return fmt.Errorf("the database %s has been locked by others for %v: %w", s.dialect.name(), s.busyTimeout, err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-s.done:
		}
		timer.Stop()
		wait = min(2*wait, 50*time.Millisecond)
	}
}

func (s *Store) once(ctx context.Context, f func() error) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if err := s.alive(ctx); err != nil {
		return err
	}
	return f()
}
