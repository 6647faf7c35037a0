// Package sqlite is the store in upstream's SQL table in a SQLite database: one
// file, no server. Importing it registers the scheme sqlite://. See
// docs/stores/sql.md.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"sqlite"}, OpenStore: openConnectionString})
}

type config struct {
	readOnly    bool
	allowShared bool
	sync        bool
	busyTimeout time.Duration
}

// An Option changes how a database is opened.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly opens a database that exists, for reading only. Nothing is
// created or changed, and no right to write is needed. One thing is restored: if a writer was
// killed in the middle of a transaction, what it left half written is
// rolled back, in the file if this account owns it, else in a private copy.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithSharedFile allows writing into a file that others could have planted: one
// that everybody may write, or that another account owns. By default such a
// file is refused, as others could read or change the notifications.
func WithSharedFile() Option { return optionFunc(func(c *config) { c.allowShared = true }) }

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

// Open opens the database in the file, and creates file, table and
// indexes where they are missing, unless it is to be read only. The error says
// in one sentence why it cannot be used.
//
// If the file is moved, removed, cut or restored while the store is open, the
// store goes on with the file that the path names then, made anew if need be.
func Open(ctx context.Context, path string, opts ...Option) (*table.Store, error) {
	c := newConfig(opts)
	if err := backend.CheckFile(path, c.readOnly, "a SQLite database"); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the file %q: %w", path, err)
	}
	k := &connector{config: c, path: path, absolute: absolute}
	db := sql.OpenDB(k)
	db.SetMaxOpenConns(8) // a caller's code runs while one is held at most, and only as long as a page is read
	return table.Open(ctx, db, dialect{path: path, connection: k}, table.Config{ReadOnly: c.readOnly, Patience: c.busyTimeout, Writers: 1})
}
