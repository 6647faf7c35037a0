package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
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
			return s.insert(ctx, c, batch)
		})
	})
	if err != nil && (s.dialect.Busy(err) || s.dialect.Transient(err)) {
		return &store.WriteError{Transient: true, Err: err}
	}
	return err
}

// What is looked up and inserted at once.
const (
	chunkRows  = 2000
	chunkBytes = 8 << 20 // unless a single row has more
)

// insert adds the notifications that the table does not hold. While it is asked
// which it holds, their rows are made.
func (s *Store) insert(ctx context.Context, c *connection, batch []osprofiler.Notification) error {
	bound := s.dialect.Bind(ctx)
	for len(batch) > 0 {
		if err := s.alive(ctx); err != nil {
			return err
		}
		chunk := batch[:chunkOf(batch)]
		batch = batch[len(chunk):]
		encoded := make(chan []Row, 1)
		go func() { encoded <- s.encodeAll(chunk) }()
		stored, err := s.dialect.Latest(bound, c.Conn, s.traceIDs(chunk))
		rows := <-encoded // also where there is an error: then nothing of the batch is in use any more
		if err == nil {
			err = s.dialect.Insert(bound, c.Conn, missing(rows, stored))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chunkOf returns how many notifications the next chunk has.
func chunkOf(batch []osprofiler.Notification) int {
	bytes := 0
	for i := range batch {
		if bytes += batch[i].Size(); i > 0 && (i == chunkRows || bytes > chunkBytes) {
			return i
		}
	}
	return len(batch)
}

func (s *Store) encodeAll(batch []osprofiler.Notification) []Row {
	rows := make([]Row, len(batch))
	for i := range batch {
		rows[i] = Row{s.encode(&batch[i])}
	}
	return rows
}

// SameTraceID is how many of the latest rows with one trace_id are looked
// through for an equal one. Usually there are two; a limit keeps it quick
// where somebody gives the same to all.
const SameTraceID = 64

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
