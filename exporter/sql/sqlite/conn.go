package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"os"
	"time"
)

// A stamp is a state of a file that changes when the file is written.
type stamp struct {
	size    int64
	changed time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{size: info.Size(), changed: info.ModTime()} }

// A conn is a connection that knows to which file it leads. The pool closes it
// when the path names another file.
type conn struct {
	sqliteConn
	connector *connector
	age       int64       // the age of the connector when the connection was opened
	file      os.FileInfo // the database file
	exposed   bool        // whether everybody may create files beside the database file
	seen      stamp       // the stamp of the file when SQLite last used it

	of *recovered // the private copy to which the connection leads; nil if none
}

// ResetSession implements driver.SessionResetter. database/sql calls it before
// a connection is used again.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.current() {
		return driver.ErrBadConn
	}
	return c.sqliteConn.ResetSession(ctx)
}

// IsValid implements driver.Validator. database/sql calls it when a connection
// is put back into the pool.
func (c *conn) IsValid() bool {
	return c.age == c.connector.age.Load() && c.sqliteConn.IsValid()
}

// Close implements driver.Conn. It also removes the private copy of the
// connection.
func (c *conn) Close() error {
	err := c.sqliteConn.Close()
	if c.of != nil {
		err = errors.Join(err, c.of.remove())
	}
	return err
}

// current reports whether the connection leads to the database that the path
// names, and would not be refused now.
//
// If another process wrote to the file meanwhile, a new connection is needed.
// SQLite compares a counter in the file to find out whether its cache is valid.
// A restored file may have the same counter by chance. SQLite would then mix
// the file with its cache.
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

// committed returns errReplaced if the path no longer names the file to which
// the connection committed.
func (c *conn) committed() error {
	now, err := os.Stat(c.connector.absolute)
	if err != nil || !os.SameFile(now, c.file) {
		return errReplaced
	}
	c.seen = stampOf(now)
	return nil
}

// try makes SQLite read the header of the database and look for a journal that
// has to be rolled back.
func (c *conn) try(ctx context.Context) error {
	_, err := one(ctx, c, "SELECT count(*) FROM sqlite_master")
	return err
}

// one runs a query whose result is one number.
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
