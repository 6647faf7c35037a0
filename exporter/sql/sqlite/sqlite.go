// Package sqlite is the store in upstream's SQL table in a SQLite database: one
// file, no server. Importing it registers the scheme sqlite://. See
// docs/stores/sql.md.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite", without cgo

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"sqlite"}, OpenStore: openConnectionString})
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

// Open opens the database in the file, and creates file, table and
// indexes where they are missing, unless it is to be read only. The error says
// in one sentence why it cannot be used.
func Open(ctx context.Context, path string, opts ...Option) (*table.Store, error) {
	c := newConfig(opts)
	if err := backend.CheckFile(path, c.readOnly, "a SQLite database"); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the file %q: %w", path, err)
	}
	if !c.readOnly {
		if err := create(absolute); err != nil {
			return nil, fmt.Errorf("cannot create the file %q: %w", path, backend.Reason(err))
		}
	}
	db, err := sql.Open("sqlite", dataSource(absolute, c))
	if err != nil {
		return nil, fmt.Errorf("cannot open the database %q: %w", path, err)
	}
	db.SetMaxOpenConns(8) // a caller's code runs while one is held at most, and only as long as a page is read
	return table.Open(ctx, db, dialect{path: path}, table.Config{ReadOnly: c.readOnly, Patience: c.busyTimeout, Writers: 1})
}

// creating keeps others in this process from opening a file while create still
// has it open: to close a file gives up all locks that the process has on it.
var creating sync.Mutex

// create makes an empty file, which is an empty database, for the owner and
// its group: notifications hold SQL parameters.
func create(path string) error {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// dataSource is the driver's name of the database. The journal stays SQLite's
// own rollback journal, so that between transactions all is in one file, which
// may be copied, or read where nothing can be written.
func dataSource(absolute string, c config) string {
	mode, synchronous := "rw", "full"
	if c.readOnly {
		mode = "ro"
	}
	if !c.sync {
		synchronous = "off"
	}
	slashed := filepath.ToSlash(absolute)
	if slashed[0] != '/' {
		slashed = "/" + slashed // C:/x
	}
	query := url.Values{"mode": {mode}, "_error_rc": {"1"}, "_pragma": {
		"busy_timeout(" + strconv.Itoa(driverPatience) + ")", "synchronous(" + synchronous + ")", "cache_size(-16000)",
	}}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}

// driverPatience is how many milliseconds SQLite itself waits for a lock. It
// does not see contexts meanwhile, so most of the waiting is done by the table's Store.
const driverPatience = 50
