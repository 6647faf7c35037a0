package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"os"
)

// A conn is a connection that knows which file it is to. The pool gives it up
// when the path names another file.
type conn struct {
	sqliteConn
	connector *connector
	age       int64       // the connector's when the connection was opened
	file      os.FileInfo // the database file
	exposed   bool        // whether everybody may make files beside it

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

// current tells whether a new connection would be to the same database, and
// would not be refused.
func (c *conn) current() bool {
	k := c.connector
	return c.age == k.age.Load() && c.stands() && (c.of == nil || c.of.current()) &&
		(!c.exposed || k.readOnly || k.allowShared || k.checkShared() == nil)
}

// stands tells whether the path names the file that the connection is to.
func (c *conn) stands() bool {
	now, err := os.Stat(c.connector.absolute)
	return err == nil && os.SameFile(now, c.file)
}

// try makes SQLite look at the database: at its header, and for a journal that
// has to be rolled back.
func (c *conn) try(ctx context.Context) error {
	found, err := c.QueryContext(ctx, "SELECT count(*) FROM sqlite_master", nil)
	if err != nil {
		return err
	}
	err = found.Next(make([]driver.Value, 1))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, found.Close())
}
