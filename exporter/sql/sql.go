// Package sql is the store in upstream's table data: the one that the Python
// library's SQLAlchemy driver writes and reads, row for row. Its parts below,
// sqlite, postgresql and mysql, register the schemes of their databases; a
// program links the drivers only of those that it imports.
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
	"strings"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Store keeps notifications in the table data of a database. It implements
// store.Store, store.ErrorTracer, store.Changer and store.Upstreamer.
type Store struct {
	Config
	dialect  Dialect
	db       *sql.DB
	alphabet Alphabet

	done    chan struct{} // closed by Close
	closing sync.RWMutex  // held for reading while the database is in use
	turn    chan struct{} // taken by goroutines that write
}

// Config says how a store is used.
type Config struct {
	// ReadOnly promises that nothing is written: no table is made, and no
	// right to write is needed.
	ReadOnly bool
	// Patience is how long to try again while others are in the way.
	Patience time.Duration
	// Writers is how many batches are written at the same time, at least 1.
	Writers int
}

// Open makes a store of a database, which from then on belongs to it: it is
// closed if it cannot be used. The table is made where it is missing.
func Open(ctx context.Context, db *sql.DB, d Dialect, c Config) (*Store, error) {
	s := &Store{Config: c, dialect: d, db: db, done: make(chan struct{}), turn: make(chan struct{}, max(c.Writers, 1))}
	if err := s.prepare(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// queryRows and queryRow take statements with ? for their arguments.
func (s *Store) queryRows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, s.dialect.Rebind(query), args...)
}

func (s *Store) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return s.db.QueryRowContext(ctx, s.dialect.Rebind(query), args...)
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
	// Nothing is pending on an idle connection, so that one which the server ended
	// is closed as well as any other.
	if err := s.db.Close(); err != nil && !s.dialect.Transient(err) && !strings.HasSuffix(err.Error(), errBadConnection) {
		return fmt.Errorf("cannot close the database %s: %w", s.dialect.Name(), s.dialect.Explain(err))
	}
	return nil
}

// errBadConnection is the text of an error that MySQL's driver does not export.
const errBadConnection = "bad connection"

// use runs f on the database, and again while another process has it locked,
// and once more if the database was replaced meanwhile. It holds off Close, so
// f must not wait for anything else.
func (s *Store) use(ctx context.Context, f func() error) error {
	err := s.patiently(ctx, f)
	if err == nil {
		return nil
	}
	again, err := s.renewed(ctx, err)
	if !again {
		return err
	}
	return s.patiently(ctx, f)
}

// patiently runs f on the database, and again while another process has it
// locked.
func (s *Store) patiently(ctx context.Context, f func() error) error {
	wait, start := time.Millisecond, time.Now()
	for {
		err := s.once(ctx, f)
		if err == nil || errors.Is(err, store.ErrClosed) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !s.dialect.Busy(err) {
			return s.dialect.Explain(err)
		}
		if time.Since(start) > s.Patience {
			return fmt.Errorf("the database %s has been locked by others for %v: %w", s.dialect.Name(), s.Patience, err)
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
