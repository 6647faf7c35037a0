// Package table is the driver of the stores in OSProfiler's SQL table data,
// which the Python library's SQLAlchemy driver writes and reads. A [Dialect]
// contains the differences between the databases. Packages sqlite, postgresql
// and mysql implement one each.
//
// The columns cannot hold every notification exactly: a text may be longer than
// its column, an id may be a number, a member may be missing. The data column
// then contains these members too, in a way that the Python library ignores.
// See docs/stores/sql.md.
package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Table is the table data of one database. It implements all interfaces of
// package driver.
type Table struct {
	Config

	dialect  Dialect
	db       *sql.DB
	turn     chan struct{} // has one element for each Write in progress
	alphabet atomic.Pointer[Alphabet]

	mu      sync.Mutex // guards access and attempt
	access  access     // the access for which the table was prepared
	attempt *attempt   // to prepare the table; nil if none is in progress
}

// A Config says how a table is used.
type Config struct {
	// ReadOnly promises that nothing is written. No table is made, and no right
	// to write is needed.
	ReadOnly bool
	// Patience is how long a transaction is tried again while other sessions are in
	// the way.
	Patience time.Duration
	// Writers is how many batches are written at the same time, at least 1.
	Writers int
	// KeepOpen leaves the database open when the Store is closed.
	KeepOpen bool
}

// New returns the Store of a database. It does not use the database yet.
func New(db *sql.DB, d Dialect, c Config) *store.Store {
	t := &Table{Config: c, dialect: d, db: db, turn: make(chan struct{}, max(c.Writers, 1))}
	if c.ReadOnly {
		return store.NewReadOnly(t)
	}
	return store.New(t)
}

// Name implements driver.Driver.
func (t *Table) Name() string { return "the database " + t.dialect.Name() }

// Ping implements driver.Driver. To find out whether the account may write, it
// runs a statement that inserts no row.
func (t *Table) Ping(ctx context.Context) error {
	if t.ReadOnly {
		_, err := t.reading(ctx, func() error { return t.checkColumns(ctx) })
		return err
	}
	insertion := fmt.Sprintf("INSERT INTO data (%[1]s) SELECT %[1]s FROM data WHERE 1 = 0", ColumnList)
	return t.writing(ctx, func() error { return t.transaction(ctx, []string{insertion}) })
}

// Close implements driver.Driver.
func (t *Table) Close() error {
	if t.KeepOpen {
		return nil
	}
	// An error of closing an idle connection that the server ended is ignored,
	// because nothing is pending on an idle connection.
	if err := t.db.Close(); err != nil && !t.dialect.Transient(err) && !strings.HasSuffix(err.Error(), errBadConnection) {
		return t.dialect.Explain(err)
	}
	return nil
}

// errBadConnection is the text of an error that MySQL's driver does not export.
const errBadConnection = "bad connection"

// patiently runs f, and runs it again while other sessions are in the way, for
// at most Config.Patience. It explains the error of f.
func (t *Table) patiently(ctx context.Context, f func() error) error {
	wait, start := time.Millisecond, time.Now()
	var busy error // the error of the last try
	for {
		if ctx.Err() != nil {
			return t.atEnd(ctx, busy, start)
		}
		err := f()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && (busy == nil || neterr.Informs(t.dialect.Explain(err))):
			return t.atEnd(ctx, err, start)
		case ctx.Err() != nil:
			return t.atEnd(ctx, busy, start)
		case !t.dialect.Busy(err):
			return t.dialect.Explain(err)
		case time.Since(start) > t.Patience:
			return fmt.Errorf("the database %s has been locked by others for %v: %w", t.dialect.Name(), t.Patience, err)
		}
		busy = err
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		wait = min(2*wait, 50*time.Millisecond)
	}
}

// atEnd returns the error of a call that failed with err when its context ended.
// The error contains the reason of the failure if err has one.
func (t *Table) atEnd(ctx context.Context, err error, start time.Time) error {
	if err == nil {
		return ctx.Err()
	}
	sentence := t.dialect.Explain(err)
	if t.dialect.Busy(err) {
		sentence = fmt.Errorf("the database %s has been locked by others for %v: %w", t.dialect.Name(), time.Since(start).Round(time.Millisecond), err)
	} else if !explained.Is(sentence) || !neterr.Informs(sentence) {
		return ctx.Err()
	}
	return explained.New(errors.Join(ctx.Err(), err), "%v", sentence)
}

// queryRow runs a query with ? for its arguments.
func (t *Table) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return t.db.QueryRowContext(ctx, t.dialect.Rebind(query), args...)
}

var (
	_ driver.Writer         = (*Table)(nil)
	_ driver.Reader         = (*Table)(nil)
	_ driver.Lister         = (*Table)(nil)
	_ driver.Feeder         = (*Table)(nil)
	_ driver.BulkDeleter    = (*Table)(nil)
	_ driver.PythonAnswerer = (*Table)(nil)
)
