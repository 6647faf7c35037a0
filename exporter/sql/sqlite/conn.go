package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"os"
	"time"
)

// A stamp changes when the file is written.
type stamp struct {
	size    int64
	changed time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{size: info.Size(), changed: info.ModTime()} }

// A conn is a connection that knows which file it is to. The pool gives it up
// when the path names another file.
type conn struct {
	sqliteConn
	connector *connector
	age       int64       // the connector's when the connection was opened
	file      os.FileInfo // the database file
	exposed   bool        // whether everybody may make files beside it
	seen      stamp       // how the file was when SQLite used it last

	of *recovered // where the connection is to a private copy
}

// ResetSession implements driver.SessionResetter: database/sql calls it before
// a connection is used again.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.current() {
		return driver.ErrBadConn
	}
	return c.sqliteConn.ResetSession(ctx)
}

// IsValid implements driver.Validator: database/sql calls it when a connection
// goes back into the pool.
func (c *conn) IsValid() bool {
	return c.age == c.connector.age.Load() && c.sqliteConn.IsValid()
}

// Close implements driver.Conn. A private copy goes with its connection.
func (c *conn) Close() error {
	err := c.sqliteConn.Close()
	if c.of != nil {
		err = errors.Join(err, c.of.remove())
	}
	return err
}

// current reports whether the connection is to the database that the path names,
// and would not be refused now.
//
// A file that another process wrote meanwhile gets a new connection. SQLite
// compares a counter in the file to find out whether its cache is valid. A
// restored file may have the same counter by chance; SQLite would then mix the
// file with its cache.
func (c *conn) current() bool {
	k := c.connector
	if c.age != k.age.Load() {
		return false
	}
	if c.of != nil {
		return c.of.current()
	}
	now, err := os.Stat(k.absolute)
	return err == nil && os.SameFile(now, c.file) && stampOf(now) == c.seen &&
		(!c.exposed || k.readOnly || k.allowShared || k.checkShared() == nil)
}

// committed returns errReplaced if the path does not name the file any more
// that the connection committed to.
func (c *conn) committed() error {
	now, err := os.Stat(c.connector.absolute)
	if err != nil || !os.SameFile(now, c.file) {
		return errReplaced
	}
	c.seen = stampOf(now)
	return nil
}

// try makes SQLite look at the database: at its header, and for a journal that
// has to be rolled back.
func (c *conn) try(ctx context.Context) error {
	_, err := one(ctx, c, "SELECT count(*) FROM sqlite_master")
	return err
}

// one runs a query for one number.
func one(ctx context.Context, c sqliteConn, query string) (int64, error) {
	rows, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return 0, err
	}
	values := make([]driver.Value, 1)
	err = rows.Next(values)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	n, _ := values[0].(int64)
	return n, errors.Join(err, rows.Close())
}
