package sql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements store.Store. One transaction stores the batch, all of it or
// nothing. nil means that it is committed, as durably as the database's own
// settings make it. A notification that the table holds already is left out, so
// that a batch may be written again. If the database refuses the content of some
// rows, several transactions store the others; the error is a *store.WriteError
// that names what was refused.
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
	took, err := s.attempt(ctx, batch)
	if err != nil && s.mayBeRows(batch, took, err) {
		return s.isolate(ctx, batch, took, err)
	}
	if err != nil && s.isTransient(err) {
		return &store.WriteError{Transient: true, Err: err}
	}
	return err
}

func (s *Store) isTransient(err error) bool { return s.dialect.Busy(err) || s.dialect.Transient(err) }

// writeAll stores the batch in one transaction.
func (s *Store) writeAll(ctx context.Context, batch []osprofiler.Notification) error {
	return s.use(ctx, func() error {
		return s.transact(ctx, func(c *connection) error {
			return s.insert(ctx, c, batch)
		})
	})
}

// chunkRows and chunkBytes bound what one look-up and one insert take.
const (
	chunkRows  = 2000
	chunkBytes = 8 << 20 // unless a single row has more
)

// insert adds the notifications that the table does not hold. The rows are encoded
// while the database looks up which ones it has.
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
		traceIDs := s.traceIDs(chunk)
		stored, err := s.dialect.Latest(bound, c.Conn, traceIDs)
		rows := <-encoded // in any case, so that nothing of the batch is in use any more
		if err == nil {
			err = s.insertRows(bound, c, missing(rows, stored), traceIDs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unshown returns the rows that a look-up should have found. Latest returns only
// the latest rows with one trace_id.
func unshown(lacking, stored []Row) []Row {
	found := map[sql.NullString]int{}
	for _, r := range stored {
		found[r.columns[colTraceID]]++
	}
	return slices.DeleteFunc(lacking, func(r Row) bool { return found[r.columns[colTraceID]] >= SameTraceID })
}

// insertRows inserts rows that have these trace_ids. If the database reports
// fewer inserted rows, it must show them all the same: a trigger may have put
// them into a partition, or a rule may have discarded them.
func (s *Store) insertRows(ctx context.Context, c *connection, rows []Row, traceIDs []string) error {
	inserted, err := s.dialect.Insert(ctx, c.Conn, rows)
	if err != nil || inserted == int64(len(rows)) {
		return err
	}
	stored, err := s.dialect.Latest(ctx, c.Conn, traceIDs)
	if err != nil {
		return err
	}
	if lacking := unshown(missing(rows, stored), stored); len(lacking) > 0 {
		return fmt.Errorf("the database %s accepted %d rows but discarded %d of them; a trigger or a rule of the table data does so", s.dialect.Name(), len(rows), len(lacking))
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
