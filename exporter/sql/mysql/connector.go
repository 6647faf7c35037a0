package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net"

	driver "github.com/go-sql-driver/mysql"
)

// connector makes connections within the timeout of its configuration. The
// driver's own timeout does not suffice, because it ends when a port accepts
// the connection, even if no server answers behind the port.
type connector struct {
	config      *driver.Config
	readOnly    bool
	initCommand string
}

// Driver implements driver.Connector.
func (connector) Driver() sqldriver.Driver { return driver.MySQLDriver{} }

// Connect implements driver.Connector. Each connection has a configuration of
// its own, because the driver records in the configuration that a server has no
// TLS. With a shared configuration, all later connections would do without TLS,
// even to a server that has it.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	within, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, errSilent)
	defer cancel()
	conn, err := connect(within, c.config.Clone())
	if err == nil {
		if err = c.prepare(within, conn); err != nil {
			_ = conn.Close()
		}
	}
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() == nil && errors.Is(context.Cause(within), errSilent):
		return nil, errSilent
	}
	return nil, c.explain(err)
}

// session contains the settings of a session that writes. Without the strict
// mode, a server cuts values that do not fit into a column and reports success.
// On a server whose default is READ UNCOMMITTED, the look-up of stored
// notifications would find the rows of a transaction that may still be rolled
// back.
var session = []string{
	"SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}

// afterInit restores two settings on which the store relies and which an
// init_command may have changed: the character set, and autocommit, by which
// each statement is a transaction of its own.
var afterInit = []string{"SET NAMES utf8mb4", "SET SESSION autocommit = 1"}

// prepare makes the settings of a session. The init_command of the connection
// string runs first, so that the settings of the store take precedence.
func (c connector) prepare(ctx context.Context, conn sqldriver.Conn) error {
	var statements []string
	if c.initCommand != "" {
		statements = append([]string{c.initCommand}, afterInit...)
	}
	if !c.readOnly {
		statements = append(statements, session...)
	}
	for _, statement := range statements {
		if _, err := conn.(sqldriver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return err
		}
	}
	return nil
}

// connect turns a panic of the driver into an error. The driver panics on
// malformed answers of a server, because it assumes, for example, that a public
// key is an RSA key.
func connect(ctx context.Context, config *driver.Config) (conn sqldriver.Conn, err error) {
	var dialed net.Conn
	if dial := config.DialFunc; dial != nil || config.Net == "tcp" || config.Net == "unix" {
		if dial == nil {
			dial = (&net.Dialer{}).DialContext
		}
		config.DialFunc = func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
			dialed, err = dial(ctx, network, addr)
			return dialed, err
		}
	}
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	defer func() {
		if recover() == nil {
			return
		}
		if dialed != nil {
			_ = dialed.Close() // an error does not matter here
		}
		conn, err = nil, errMalformed
	}()
	return connector.Connect(ctx)
}

// explain adds to an error about authentication which form of the password the
// server asked for and why this client refuses it.
func (c connector) explain(err error) error {
	switch {
	case errors.Is(err, driver.ErrCleartextPassword):
		return fmt.Errorf("the server at %s asks for the password in clear (mysql_clear_password), which is never sent: %w", c.config.Addr, errRefused)
	case errors.Is(err, driver.ErrOldPassword):
		return fmt.Errorf("the server at %s asks for the password in the form of MySQL 4.0 (mysql_old_password), which is not safe and never sent: %w", c.config.Addr, errRefused)
	}
	return err
}

var (
	// errSilent is the error when the server sends no greeting in time.
	errSilent = errors.New("no answer within connect_timeout")
	// errMalformed is the error when the server does not speak MySQL's protocol.
	errMalformed = errors.New("the server does not speak MySQL's protocol")
	// errRefused is the error when this client refuses the server's authentication method.
	errRefused = errors.New("authentication refused")
)
