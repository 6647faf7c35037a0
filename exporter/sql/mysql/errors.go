package mysql

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// number is the server's number for an error, else 0.
func number(err error) uint16 {
	var e *driver.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// Busy implements table.Dialect.
func (dialect) Busy(err error) bool {
	class, _ := classOf(err)
	return class == serverstate.Contended
}

// Transient implements table.Dialect.
func (dialect) Transient(err error) bool {
	if class, sent := classOf(err); sent {
		return class.IsTransient()
	}
	return lost(err)
}

// Refuses implements table.Dialect.
func (dialect) Refuses(err error) bool {
	class, _ := classOf(err)
	return class == serverstate.Row || errors.Is(err, driver.ErrPktTooLarge)
}

// TooMuch implements table.Dialect: group replication has a limit for
// transactions, and an error that can also mean something else.
func (dialect) TooMuch(err error) bool { return number(err) == 3100 || number(err) == 1206 }

// Suspect implements table.Dialect: servers and proxies may close the connection
// over a packet that is larger than they take, or run out of memory.
func (d dialect) Suspect(err error, took time.Duration) bool {
	switch number(err) {
	case 0:
		return lost(err) && (d.timeout == 0 || took < d.timeout)
	case 1037, 1038, 1041, 1105, 1160, 1161:
		return true
	}
	return false
}

// lost tells whether there is no connection.
func lost(err error) bool {
	return backend.LostConnection(err, errSilent, driver.ErrInvalidConn, driver.ErrMalformPkt, driver.ErrPktSync, driver.ErrPktSyncMul)
}

func (dialect) WrongTable(err error) bool { return number(err) == 1054 }

// A sentence is an error in our words, which keeps the driver's in its chain.
type sentence struct {
	text string
	err  error
}

func (s *sentence) Error() string { return s.text }
func (s *sentence) Unwrap() error { return s.err }

// Explain says what the server refused, or that it was not to be reached.
func (d dialect) Explain(err error) error {
	var ours *sentence
	if errors.As(err, &ours) {
		return err
	}
	say := func(format string, args ...any) error { return &sentence{fmt.Sprintf(format, args...), err} }
	var e *driver.MySQLError
	var network *net.OpError
	var unresolved *net.DNSError
	switch {
	case errors.As(err, &e):
		return say("%s", d.refusal(e))
	case errors.Is(err, driver.ErrNoTLS):
		return say("the server at %s offers no TLS, which the connection string asks for", d.address)
	case errors.Is(err, errSilent):
		return say("cannot connect to MySQL at %s: %v", d.address, errSilent)
	case errors.As(err, &network) && network.Op == "dial", errors.As(err, &unresolved), backend.RefusedTLS(err):
		return say("cannot connect to MySQL at %s: %s", d.address, backend.RootCause(err))
	case errors.Is(err, driver.ErrPktTooLarge):
		return say("%s", d.tooLarge())
	case lost(err):
		return say("the connection to MySQL at %s was lost: %s", d.address, backend.RootCause(err))
	}
	return err
}

// tooLarge is the reason why one notification is refused.
func (d dialect) tooLarge() string {
	return "it is larger than the server takes (max_allowed_packet): MySQL at " + d.address
}

func (d dialect) refusal(e *driver.MySQLError) string {
	switch e.Number {
	case 1105:
		if strings.Contains(e.Message, "max_allowed_packet") {
			return d.tooLarge()
		}
	case 1045, 1698:
		return fmt.Sprintf("MySQL at %s refuses the user %q: %s", d.address, d.user, e.Message)
	case 1049:
		return fmt.Sprintf("MySQL at %s has no database %q", d.address, d.database)
	case 1044, 1142, 1143, 1227:
		return fmt.Sprintf("the user %q lacks a right in the database %s: %s", d.user, d.Name(), e.Message)
	case 1036, 1290, 1792, 1836, 1874:
		return fmt.Sprintf("the database %s cannot be written, only read (osp_read_only opens it so): %s", d.Name(), e.Message)
	case 1021, 1114:
		return fmt.Sprintf("the database %s cannot grow: the disk is full: %s", d.Name(), e.Message)
	case 1153:
		return d.tooLarge()
	case 1047:
		return fmt.Sprintf("the Galera node of the database %s is not ready: %s", d.Name(), e.Message)
	}
	return fmt.Sprintf("the database %s: %s (%d)", d.Name(), e.Message, e.Number)
}
