package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements store.Store: one transaction stores the batch, all of it or
// nothing. nil means that it is committed, and, unless WithSync(false) was
// given, on the disk. A notification that the table holds already is left out,
// so that a batch may be written again.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	for i := range batch {
		if err := batch[i].Validate(); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	if s.readOnly {
		return fmt.Errorf("cannot write to the database %s, which was opened for reading only: %w", s.dialect.name(), errors.ErrUnsupported)
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
		return s.transact(ctx, func(c *connection) error { return s.insert(ctx, c, batch) })
	})
	if err != nil && s.dialect.busy(err) {
		return &store.WriteError{Transient: true, Err: err}
	}
	return err
}

// insert adds one row per notification. One statement per row turned out as
// fast as one for many rows: the nine indexes are the work.
func (s *Store) insert(ctx context.Context, c *connection, batch []osprofiler.Notification) (err error) {
	// The rows are not bound to the context one by one; it is looked at between them.
	uninterrupted := context.WithoutCancel(ctx)
	statement, err := c.PrepareContext(uninterrupted, s.insertion())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	var room [2*len(columns) + 3]any
	for i := range batch {
		if err := s.alive(ctx); err != nil {
			return err
		}
		r := encode(&batch[i])
		args := r.args(room[:0])
		args = append(args, args[colTraceID])
		if _, err := statement.ExecContext(uninterrupted, r.args(args)...); err != nil {
			return err
		}
	}
	return nil
}

// sameTraceID is how many of the latest rows with one trace_id are looked
// through for an equal one. Usually there are two; a limit keeps it quick
// where somebody gives the same to all.
const sameTraceID = 64

// insertion inserts a row unless there is an equal one.
func (s *Store) insertion() string {
	conditions := make([]string, 0, len(columns)+1)
	for _, column := range columns {
		conditions = append(conditions, s.dialect.same(column, "?"))
	}
	conditions = append(conditions, s.dialect.same(s.dialect.text(), "?"))
	return fmt.Sprintf("INSERT INTO data (%s) SELECT %s WHERE NOT EXISTS "+
		"(SELECT 1 FROM (SELECT %s FROM data WHERE trace_id = ? ORDER BY id DESC LIMIT %d) AS latest WHERE %s)",
		columnList, placeholders(len(columns)+1), columnList, sameTraceID, strings.Join(conditions, " AND "))
}

func placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// A connection is the one that a transaction runs on.
type connection struct{ *sql.Conn }

// transact runs f in a transaction, which it rolls back if f fails. The
// context is not bound to its begin and end, of which it must be known whether
// they happened.
func (s *Store) transact(ctx context.Context, f func(*connection) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	c := &connection{conn}
	defer func() { _ = conn.Close() }()
	if _, err := c.ExecContext(context.WithoutCancel(ctx), s.dialect.begin()); err != nil {
		return err
	}
	if err := f(c); err != nil {
		c.rollback()
		return err
	}
	if err := s.commit(ctx, c); err != nil {
		c.rollback()
		return err
	}
	return nil
}

// commit waits for readers to get out of the way, as long as SQLite itself
// waits, and not beyond the context.
func (s *Store) commit(ctx context.Context, c *connection) error {
	for try := 0; ; try++ {
		_, err := c.ExecContext(context.WithoutCancel(ctx), "COMMIT")
		if err == nil || !s.dialect.busy(err) || try == 20 {
			return err
		}
		if err := s.alive(ctx); err != nil {
			return err
		}
	}
}

// rollback ends a transaction, if there is one. Where that fails, the
// connection is given up, which ends it too.
func (c *connection) rollback() {
	if _, err := c.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		_ = c.Raw(func(any) error { return sqldriver.ErrBadConn })
	}
}
