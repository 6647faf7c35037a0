package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"iter"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements store.Store: one transaction stores the batch, all of it or
// nothing. nil means that it is committed, as durably as the database's
// own settings make it. A notification that the table holds already is left out,
// so that a batch may be written again.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	if write, err := backend.ToWrite(batch, s.ReadOnly, "the database "+s.dialect.Name()); !write {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return store.ErrClosed
	}
	err := s.use(ctx, func() error {
		return s.transact(ctx, func(c *connection) error {
			return s.dialect.Insert(s.dialect.Bind(ctx), c.Conn, s.encoded(ctx, batch))
		})
	})
	if err != nil && (s.dialect.Busy(err) || s.dialect.Transient(err)) {
		return &store.WriteError{Transient: true, Err: err}
	}
	return err
}

// encoded yields the rows of a batch, and ends with an error when the context does.
func (s *Store) encoded(ctx context.Context, batch []osprofiler.Notification) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i := range batch {
			if err := s.alive(ctx); err != nil {
				yield(Row{}, err)
				return
			}
			if !yield(Row{s.encode(&batch[i])}, nil) {
				return
			}
		}
	}
}

// SameTraceID is how many of the latest rows with one trace_id are looked
// through for an equal one. Usually there are two; a limit keeps it quick
// where somebody gives the same to all.
const SameTraceID = 64

func placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// A connection is the one that a transaction runs on.
type connection struct{ *sql.Conn }

// transact runs f in a transaction, which it rolls back if f fails.
func (s *Store) transact(ctx context.Context, f func(*connection) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	c := &connection{conn}
	defer func() { _ = conn.Close() }()
	bound := s.dialect.Bind(ctx)
	if _, err := c.ExecContext(bound, s.dialect.Begin()); err != nil {
		c.rollback(bound) // it may have begun all the same
		return err
	}
	if err := f(c); err != nil {
		c.rollback(bound)
		return err
	}
	if err := s.commit(ctx, c); err != nil {
		c.rollback(bound)
		return err
	}
	return nil
}

// commit waits for readers to get out of the way, as long as the database
// itself waits, and not beyond the context.
func (s *Store) commit(ctx context.Context, c *connection) error {
	for try := 0; ; try++ {
		_, err := c.ExecContext(s.dialect.Bind(ctx), "COMMIT")
		if err == nil || !s.dialect.Busy(err) || try == 20 {
			return err
		}
		if err := s.alive(ctx); err != nil {
			return err
		}
	}
}

// rollback ends a transaction, if there is one. Where that fails, or the
// context has ended, the connection is given up, which ends it too.
func (c *connection) rollback(ctx context.Context) {
	if ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if _, err := c.ExecContext(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	_ = c.Raw(func(any) error { return sqldriver.ErrBadConn })
}
