package sql

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

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// OpenSQLite opens the database in the file, and creates file, table and
// indexes where they are missing, unless it is to be read only. The error says
// in one sentence why it cannot be used.
func OpenSQLite(ctx context.Context, path string, opts ...Option) (*Store, error) {
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
	db.SetMaxOpenConns(8) // none is held while a caller's code runs
	return newStore(ctx, db, sqlite{path: path}, c)
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
// does not see contexts meanwhile, so most of the waiting is done by Store.use.
const driverPatience = 50

type sqlite struct{ path string }

func (d sqlite) name() string { return strconv.Quote(d.path) }

func (sqlite) tables() string {
	return "SELECT name FROM sqlite_master WHERE tbl_name = 'data' COLLATE NOCASE"
}

func (sqlite) createTable() string {
	return "CREATE TABLE IF NOT EXISTS data (\n\tid INTEGER NOT NULL, \n\ttimestamp VARCHAR(26), \n\tbase_id VARCHAR(255), \n" +
		"\tparent_id VARCHAR(255), \n\ttrace_id VARCHAR(255), \n\tproject VARCHAR(255), \n\thost VARCHAR(255), \n" +
		"\tservice VARCHAR(255), \n\tname VARCHAR(255), \n\tdata JSON, \n\tPRIMARY KEY (id)\n)"
}

func (sqlite) createIndex(column string) string {
	return "CREATE INDEX IF NOT EXISTS ix_data_" + column + " ON data (" + column + ")"
}

func (sqlite) begin() string                  { return "BEGIN IMMEDIATE" }
func (sqlite) same(a, b string) string        { return a + " IS " + b }
func (sqlite) unindexed(column string) string { return "+" + column }
func (sqlite) text() string                   { return "data" }

// resultCode is SQLite's own number for an error.
func resultCode(err error) int {
	var e *driver.Error
	if !errors.As(err, &e) {
		return code.SQLITE_OK
	}
	return e.Code() & 0xFF
}

func (sqlite) busy(err error) bool {
	c := resultCode(err)
	return c == code.SQLITE_BUSY || c == code.SQLITE_LOCKED
}

func (d sqlite) explain(err error) error {
	var sentence string
	switch resultCode(err) {
	case code.SQLITE_OK:
		return err
	case code.SQLITE_NOTADB:
		sentence = "the file %q is no SQLite database"
	case code.SQLITE_CORRUPT:
		sentence = "the SQLite database %q is damaged"
	case code.SQLITE_FULL:
		sentence = "the SQLite database %q cannot grow: the disk is full"
	case code.SQLITE_READONLY:
		sentence = "the SQLite database %q cannot be written, only read (osp_read_only opens it so)"
	case code.SQLITE_CANTOPEN:
		sentence = "the SQLite database %q, or the journal beside it, cannot be opened"
	case code.SQLITE_PERM, code.SQLITE_AUTH:
		sentence = "there is no right to use the SQLite database %q"
	default:
		sentence = "the SQLite database %q"
	}
	return fmt.Errorf(sentence+": %w", d.path, err)
}
