package sql

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Renewer is a Dialect of a database that somebody may replace while it is
// open, as a file may be.
type Renewer interface {
	// Renew tells whether the error may come from a database that was replaced.
	// If so, Renew gives up all connections, so that the next ones are to the
	// database that is there now.
	Renew(err error) bool
	// Committed returns an error if the database that the connection committed
	// to is not there any more. Renew returns true for that error.
	Committed(c *sql.Conn) error
	// Era returns a number that changes when statements go to another database
	// than before.
	Era() int64
}

// renewed tells whether f may be run again after an error, because the database
// was replaced and the one that is there now has the table.
func (s *Store) renewed(ctx context.Context, err error) (bool, error) {
	r, ok := s.dialect.(Renewer)
	if !ok || ctx.Err() != nil || !r.Renew(err) {
		return false, err
	}
	if err := s.makeTable(ctx); err != nil {
		return false, err
	}
	return true, nil
}

// kept returns an error if the database that the connection committed to was
// removed meanwhile, and what was committed with it.
func (s *Store) kept(c *connection) error {
	if r, ok := s.dialect.(Renewer); ok {
		return r.Committed(c.Conn)
	}
	return nil
}

// within ends a sequence with an error if the database was replaced since the
// era: the ids of another one say nothing about which rows were yielded.
func (s *Store) within(era int64, yield func(store.Change, error) bool) func(store.Change, error) bool {
	r, ok := s.dialect.(Renewer)
	if !ok {
		return yield
	}
	return func(c store.Change, err error) bool {
		if r.Era() != era {
			yield(store.Change{}, fmt.Errorf("the database %s was made anew while its changes were read", s.dialect.Name()))
			return false
		}
		return yield(c, err)
	}
}

// era looks at the database and returns its era, which changes when it is
// replaced.
func (s *Store) era(ctx context.Context) (int64, error) {
	r, ok := s.dialect.(Renewer)
	if !ok {
		return 0, nil
	}
	err := s.use(ctx, func() error {
		_, err := s.db.ExecContext(ctx, "SELECT id FROM data LIMIT 0")
		return err
	})
	return r.Era(), err
}
