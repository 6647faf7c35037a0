package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	base "modernc.org/sqlite"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// A connector opens connections to the file that the path names when a
// connection is opened.
type connector struct {
	config
	path     string // as given by the caller, for errors
	absolute string
	age      atomic.Int64 // how many times all connections were abandoned

	mu   sync.Mutex
	last os.FileInfo // the file of the latest connection
	eras int64       // how many databases the path has named
}

// era returns a number that changes when connections lead to another database
// than before.
func (k *connector) era() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.eras
}

// renew abandons all connections. If the table was gone, its rows are gone too,
// and the database counts as another one.
func (k *connector) renew(tableGone bool) {
	k.age.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if tableGone {
		k.eras++
	}
}

// note remembers the file to which a new connection leads.
func (k *connector) note(file os.FileInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil || !os.SameFile(k.last, file) {
		k.last, k.eras = file, k.eras+1
	}
}

// forget records that there is no file. The next file is another database, even
// if the system gives it the same inode.
func (k *connector) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = nil
}

// Driver implements driver.Connector.
func (k *connector) Driver() driver.Driver { return &base.Driver{} }

// Connect implements driver.Connector. If the file does not exist, the error
// wraps errAbsent. Then create makes the file.
func (k *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	if k.readOnly {
		return k.connectForReading(ctx)
	}
	return k.open(ctx, "rw")
}

// check returns an error that says in one sentence why the file cannot be used.
func (k *connector) check() error {
	if err := files.Check(k.absolute, k.readOnly, "a SQLite database"); err != nil {
		return err
	}
	if k.readOnly || k.allowShared {
		return nil
	}
	return k.checkShared()
}

// companions are the endings of the files that SQLite makes beside a database.
var companions = [...]string{"-journal", "-wal", "-shm"}

// checkShared checks the database and the files beside it. The files beside it
// matter because SQLite writes old rows into an existing journal, and rolls an
// existing journal back.
func (k *connector) checkShared() error {
	if err := files.CheckShared(k.absolute); err != nil {
		return err
	}
	for _, suffix := range companions {
		if err := files.CheckShared(behindLinks(k.absolute) + suffix); err != nil {
			return err
		}
	}
	return nil
}

// behindLinks returns the path of the file itself, beside which SQLite makes
// the journal.
func behindLinks(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// open opens one connection, and records to which file the connection leads. If
// the path names another file meanwhile, open starts again.
func (k *connector) open(ctx context.Context, mode string, pragmas ...string) (*conn, error) {
	for range 10 {
		age := k.age.Load()
		before, err := os.Stat(k.absolute)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !k.readOnly:
			k.forget()
			return nil, fmt.Errorf("%w: %q", errAbsent, k.path)
		case err != nil:
			return nil, fmt.Errorf("cannot open the file %q: %w", k.path, files.Reason(err))
		}
		opened, err := connect(ctx, dataSource(k.absolute, mode, append(pragmas, k.pragmas()...)))
		if err != nil {
			return nil, err
		}
		if err := bound(ctx, opened); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
		c := &conn{sqliteConn: opened, connector: k, age: age, file: before, seen: stampOf(before), exposed: files.Exposed(k.absolute)}
		if err := k.checkOpened(c); err == nil {
			k.note(before)
			return c, nil
		} else if !errors.Is(err, errReplaced) {
			return nil, errors.Join(err, opened.Close())
		}
		_ = opened.Close()
	}
	return nil, errReplaced
}

// bound limits the size of the database to less than the largest file that the
// process may write (ulimit -f), with room for the journal's own bytes. A write
// beyond that limit ends a Go program by a signal. With the bound, SQLite
// reports instead that the database is full.
func bound(ctx context.Context, c sqliteConn) error {
	limit := largestDatabase()
	if limit == math.MaxInt64 {
		return nil
	}
	size, err := one(ctx, c, "PRAGMA page_size")
	if err == nil && size > 0 {
		_, err = one(ctx, c, "PRAGMA max_page_count = "+strconv.FormatInt(max(1, limit/size), 10))
	}
	return err
}

// largestDatabase returns the largest permitted size of the database in bytes.
func largestDatabase() int64 {
	limit := files.SizeLimit()
	if limit == math.MaxInt64 {
		return limit
	}
	return limit / 10 * 9
}

// checkOpened makes sure that the opened file is the file that was checked,
// because the file may have been replaced in between.
func (k *connector) checkOpened(c *conn) error {
	if now, err := os.Stat(k.absolute); err != nil || !os.SameFile(now, c.file) {
		return errReplaced
	}
	if k.readOnly || k.allowShared {
		return nil
	}
	return k.checkShared()
}

// errAbsent means that a store that may write has no file yet.
var errAbsent = fmt.Errorf("there is no SQLite database: %w", fs.ErrNotExist)

// errReplaced means that the path names another file than the file that was
// opened.
var errReplaced = errors.New("the database file was moved or removed while it was written")

// sqliteConn is a connection of the driver, with all methods that database/sql
// uses.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

func connect(ctx context.Context, source string) (sqliteConn, error) {
	c, err := base.NewConnector(source)
	if err != nil {
		return nil, err
	}
	opened, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	its, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks a method that the store needs"), opened.Close())
	}
	return its, nil
}

// pragmas returns the settings of each connection. With synchronous = extra, SQLite
// syncs the folder after it removed the journal. Otherwise a loss of power could bring
// the journal back, and the journal would undo acknowledged writes.
func (k *connector) pragmas() []string {
	if !k.sync {
		return pragmas("off")
	}
	return pragmas("extra")
}

func pragmas(synchronous string) []string {
	return []string{"busy_timeout(" + strconv.Itoa(driverPatience) + ")", "synchronous(" + synchronous + ")", "cache_size(-16000)", "trusted_schema(0)"}
}

// driverPatience is how many milliseconds SQLite itself waits for a lock. SQLite
// does not look at contexts meanwhile, so the table does most of the waiting.
const driverPatience = 50

// dataSource returns the driver's name of the database. The journal remains
// SQLite's own rollback journal. So between transactions everything is in one
// file, which can be copied, and can be read from a place where nothing can be
// written.
func dataSource(absolute, mode string, pragmas []string) string {
	slashed := filepath.ToSlash(absolute)
	if slashed[0] != '/' {
		slashed = "/" + slashed // C:/x
	}
	query := url.Values{"mode": {mode}, "_error_rc": {"1"}, "_pragma": pragmas}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}
