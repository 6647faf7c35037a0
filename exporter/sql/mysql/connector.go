package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"time"
)

// patient is a connector whose connections are there in time, or not at all:
// the driver's own timeout ends when a port takes the connection, though nobody
// may answer behind it.
type patient struct {
	sqldriver.Connector
	timeout time.Duration
}

// Connect implements driver.Connector.
func (p patient) Connect(ctx context.Context) (sqldriver.Conn, error) {
	within, cancel := context.WithTimeoutCause(ctx, p.timeout, errSilent)
	defer cancel()
	conn, err := p.Connector.Connect(within)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errSilent) {
		return nil, errSilent
	}
	return conn, err
}

// errSilent says that nobody greeted us.
var errSilent = errors.New("no answer in the time of connect_timeout")
