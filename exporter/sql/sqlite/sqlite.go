// Package sqlite is the store in OSProfiler's SQL table in a SQLite database: one
// file, no server. Importing the package registers the scheme sqlite://. See
// docs/stores/sql.md.
package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"sqlite"}, Open: openConnectionString})
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

// WithReadOnly opens a database that exists, for reading only. Nothing is created
// or changed, and no right to write is needed. There is one exception: if a
// writer was killed in the middle of a transaction, that transaction is rolled
// back. This happens in the file if this account owns the file, and otherwise in
// a private copy.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithSharedFile allows writing into a file that another account owns or that
// everybody may write. By default such a file is refused, because others could
// read or change the notifications.
func WithSharedFile() Option { return optionFunc(func(c *config) { c.allowShared = true }) }

// WithSync sets whether Write waits until the batch is on the disk, so that the
// batch survives a loss of power. By default it waits. If it does not wait, a
// loss of power may also damage the database.
func WithSync(on bool) Option { return optionFunc(func(c *config) { c.sync = on }) }

// WithBusyTimeout sets how long to wait while another process has the database
// locked. The default is ten seconds. The end of the context stops the waiting
// earlier.
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

// Open opens a store in the file that a connection string names, such as
// sqlite:///relative.db or sqlite:////absolute.db. Open neither opens nor
// creates the file. Write and Ping of a store that is not read-only create the
// file, the table and its indexes if they are missing. Until then the store
// reads as empty. Options in the connection string take precedence over opts.
//
// If the file is moved, removed, cut or restored while the store is open, the
// store continues with the file that the path names then.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	path, c, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the file %q: %w", path, err)
	}
	k := &connector{config: c, path: path, absolute: absolute}
	db := sql.OpenDB(k)
	db.SetMaxOpenConns(8) // each batch uses a connection, and so does each page while it is read
	return table.New(db, dialect{path: path, connection: k}, c.table()), nil
}

// New returns a store in a database that the program opened with the driver of
// modernc.org/sqlite. Closing the store leaves the database open. The database
// keeps its own settings: WithSync, WithSharedFile and what [Open] says about a
// file that is replaced do not apply. Two settings are needed to write from
// several connections or processes: a busy_timeout, and no shared cache.
func New(db *sql.DB, opts ...Option) *store.Store {
	c := newConfig(opts).table()
	c.KeepOpen = true
	return table.New(db, dialect{path: "opened by the program"}, c)
}

func (c config) table() table.Config {
	return table.Config{ReadOnly: c.readOnly, Patience: c.busyTimeout, Writers: 1}
}
