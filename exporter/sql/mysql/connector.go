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
// driver's own timeout ends when a port takes the connection, though nobody may
// answer behind it.
type connector struct {
	config      *driver.Config
	readOnly    bool
	initCommand string
}

// Driver implements driver.Connector.
func (connector) Driver() sqldriver.Driver { return driver.MySQLDriver{} }

// Connect implements driver.Connector. Each connection has a configuration of
// its own, since the driver notes in it that the server has no TLS: all later
// connections would go without, even to a server that has it.
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

// session are the settings of a session that writes. Without the strict mode, a
// server cuts what a column cannot hold and reports success. On a server whose
// default is READ UNCOMMITTED, the look-up of what is stored already would find
// the rows of a transaction that may still be rolled back.
var session = []string{
	"SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
}

// afterInit undoes what an init_command may have changed that the store relies
// on: the character set, and that a statement is a transaction of its own.
var afterInit = []string{"SET NAMES utf8mb4", "SET SESSION autocommit = 1"}

// prepare makes the settings of a session. The init_command of the connection
// string comes first, so that the settings of the store count.
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

// connect makes a panic of the driver an error: it takes the answers of a
// server for well-formed, such as a public key for one of RSA.
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
			_ = dialed.Close() // of no use
		}
		conn, err = nil, errMalformed
	}()
	return connector.Connect(ctx)
}

// explain says which form of the password the server asks for that is refused.
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
	errSilent = errors.New("no answer in the time of connect_timeout")
	// errMalformed is the error when the server does not speak MySQL's protocol.
	errMalformed = errors.New("the server sent what is not MySQL's protocol")
	// errRefused is the error when this client refuses the server's authentication method.
	errRefused = errors.New("authentication refused")
)
