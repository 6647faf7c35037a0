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

// A connector opens connections to the file that the path names at that time.
type connector struct {
	config
	path     string // as it was given, for errors
	absolute string
	age      atomic.Int64 // how many times all connections were given up

	mu   sync.Mutex
	last os.FileInfo // the file of the latest connection
	eras int64       // how many databases there were
}

// era returns a number that changes when connections lead to another database
// than before.
func (k *connector) era() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.eras
}

// renew gives up all connections. If the table was gone, its rows are too, and
// the database counts as another one.
func (k *connector) renew(tableGone bool) {
	k.age.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if tableGone {
		k.eras++
	}
}

// note remembers the file of a new connection.
func (k *connector) note(file os.FileInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil || !os.SameFile(k.last, file) {
		k.last, k.eras = file, k.eras+1
	}
}

// forget notes that there is no file. The next one is another database, though
// the system may give it the same inode.
func (k *connector) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = nil
}

// Driver implements driver.Connector.
func (k *connector) Driver() driver.Driver { return &base.Driver{} }

// Connect implements driver.Connector. If the file does not exist, the error is
// an errAbsent; create makes the file.
func (k *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	if k.readOnly {
		return k.connectForReading(ctx)
	}
	return k.open(ctx, "rw")
}

// check says in one sentence why the file cannot be used.
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

// checkShared looks at the database and at the files beside it. SQLite
// writes old rows into a journal that is there already, and rolls it back.
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

// behindLinks is the path of the file itself, beside which SQLite makes the
// journal.
func behindLinks(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// open opens one connection, and notes which file it is to. If the path comes
// to name another file meanwhile, open begins again.
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

// bound keeps the database below the size that the process's files may have
// (ulimit -f), with room for the journal's own bytes. A write beyond the limit
// ends a Go program by a signal; SQLite says instead that the database is full.
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

// largestDatabase returns the size in bytes that the database may have.
func largestDatabase() int64 {
	limit := files.SizeLimit()
	if limit == math.MaxInt64 {
		return limit
	}
	return limit / 10 * 9
}

// checkOpened makes sure that the file that was opened is the one that was
// checked: it may have been replaced in between.
func (k *connector) checkOpened(c *conn) error {
	if now, err := os.Stat(k.absolute); err != nil || !os.SameFile(now, c.file) {
		return errReplaced
	}
	if k.readOnly || k.allowShared {
		return nil
	}
	return k.checkShared()
}

// errAbsent says that a store which may write has no file yet.
var errAbsent = fmt.Errorf("there is no SQLite database: %w", fs.ErrNotExist)

// errReplaced says that the path names another file than the one that was open.
var errReplaced = errors.New("the database file was moved or removed while it was written")

// sqliteConn is a connection of the driver, with all that database/sql uses.
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

// pragmas are the settings of each connection. With synchronous = extra,
// SQLite syncs the folder after it removed the journal. Otherwise the journal could be
// there again after a loss of power, and undo what was acknowledged.
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
// does not look at contexts meanwhile, so that the table does most of the waiting.
const driverPatience = 50

// dataSource is the driver's name of the database. The journal stays SQLite's
// own rollback journal, so that between transactions all is in one file, which
// may be copied, or read where nothing can be written.
func dataSource(absolute, mode string, pragmas []string) string {
	slashed := filepath.ToSlash(absolute)
	if slashed[0] != '/' {
		slashed = "/" + slashed // C:/x
	}
	query := url.Values{"mode": {mode}, "_error_rc": {"1"}, "_pragma": pragmas}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}
