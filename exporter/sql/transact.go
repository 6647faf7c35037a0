package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"time"
)

// A connection is the connection that a transaction runs on.
type connection struct{ *sql.Conn }

// transact runs f in a transaction, which it rolls back if f fails. A COMMIT that
// fails is not repeated here: the database may have rolled back already, and
// would then report the next COMMIT, of nothing, as a success. The caller begins
// again from the start of the transaction.
func (s *Store) transact(ctx context.Context, f func(*connection) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	c := &connection{conn}
	defer func() { _ = conn.Close() }()
	bound := s.dialect.Bind(ctx)
	if _, err := c.ExecContext(bound, s.dialect.Begin()); err != nil {
		s.undo(bound, c, err) // it may have begun all the same
		return err
	}
	if err := f(c); err != nil {
		s.undo(bound, c, err)
		return err
	}
	if err := s.dialect.Commit(ctx, c.Conn); err != nil {
		s.undo(bound, c, err)
		return err
	}
	return s.kept(c)
}

// undo ends a transaction that failed. After a state that passes the connection
// is given up, because it may lead to a server that is no longer meant: to a
// standby, while new connections lead to the primary, for example.
func (s *Store) undo(ctx context.Context, c *connection, err error) {
	if s.dialect.Transient(err) && !s.dialect.Busy(err) {
		c.giveUp()
		return
	}
	c.rollback(ctx)
}

// rollback ends a transaction, if there is one. Where that fails, or the
// context has ended, the connection is given up, which ends it too.
func (c *connection) rollback(ctx context.Context) {
	if ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if _, err := c.ExecContext(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	c.giveUp()
}

// giveUp closes the connection, which ends its transaction.
func (c *connection) giveUp() { _ = c.Raw(func(any) error { return sqldriver.ErrBadConn }) }
