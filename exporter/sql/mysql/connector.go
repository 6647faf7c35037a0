package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"time"
)

// connector makes connections within a timeout. The driver's own timeout ends
// when a port takes the connection, though nobody may answer behind it.
type connector struct {
	sqldriver.Connector
	timeout  time.Duration
	readOnly bool
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	within, cancel := context.WithTimeoutCause(ctx, c.timeout, errSilent)
	defer cancel()
	conn, err := c.Connector.Connect(within)
	if err == nil && !c.readOnly {
		if err = prepare(within, conn); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errSilent) {
		return nil, errSilent
	}
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// session are the settings of a session that writes. Without the strict mode, a
// server cuts what a column cannot hold and reports success. On a server whose
// default is READ UNCOMMITTED, the look-up of what is stored already would find
// the rows of a transaction that may still be rolled back.
var session = []string{
	"SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}

func prepare(ctx context.Context, conn sqldriver.Conn) error {
	for _, statement := range session {
		if _, err := conn.(sqldriver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return err
		}
	}
	return nil
}

// errSilent says that nobody greeted us.
var errSilent = errors.New("no answer in the time of connect_timeout")
