package table

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"time"
)

// A connection is the connection that a transaction runs on.
type connection struct{ *sql.Conn }

// transact runs f in a transaction, which it rolls back if f fails. A COMMIT that
// fails is not repeated here, because the database may have rolled back already.
// It would then report the next COMMIT, which commits nothing, as a success. The
// caller repeats the transaction from its start.
func (t *Table) transact(ctx context.Context, f func(*connection) error) (err error) {
	conn, err := t.db.Conn(ctx)
	if err != nil {
		return err
	}
	c := &connection{conn}
	defer func() { _ = conn.Close() }()
	bound := t.dialect.Bind(ctx)
	if _, err := c.ExecContext(bound, t.dialect.Begin()); err != nil {
		t.undo(bound, c, err) // the transaction may have begun nevertheless
		return err
	}
	if err := f(c); err != nil {
		t.undo(bound, c, err)
		return err
	}
	if err := t.dialect.Commit(ctx, c.Conn); err != nil {
		t.undo(bound, c, err)
		return err
	}
	if r, ok := t.dialect.(Renewer); ok {
		return r.Committed(c.Conn)
	}
	return nil
}

// undo ends a transaction that failed. After a state that passes it closes the
// connection, because the connection may lead to another server than new
// connections do. For example, it may lead to a standby, while new connections
// lead to the primary.
func (t *Table) undo(ctx context.Context, c *connection, err error) {
	if t.dialect.Transient(err) && !t.dialect.Busy(err) {
		c.discard()
		return
	}
	c.rollback(ctx)
}

// rollback ends a transaction, if there is one. If that fails, or if the context
// has ended, rollback closes the connection, which ends the transaction too.
func (c *connection) rollback(ctx context.Context) {
	if ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if _, err := c.ExecContext(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	c.discard()
}

// discard closes the connection, which ends its transaction.
func (c *connection) discard() { _ = c.Raw(func(any) error { return sqldriver.ErrBadConn }) }
