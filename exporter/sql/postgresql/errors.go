package postgresql

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// state returns the SQLSTATE of an error that the server sent, or "" for any
// other error.
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Busy implements table.Dialect.
func (dialect) Busy(err error) bool {
	class, _ := classOf(err)
	return class == serverstate.Contended || errors.Is(err, errNoCopy)
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
	return class == serverstate.Row
}

// TooMuch implements table.Errors. It returns false, because transactions have
// no limit of their own.
func (dialect) TooMuch(error) bool { return false }

// Suspect implements table.Errors. A server that runs out of memory because of
// a row may end the session, or stop itself, with or without an error message.
func (dialect) Suspect(err error, _ time.Duration) bool {
	switch code := state(err); code {
	case "":
		return lost(err)
	default:
		return code == "53200" || code == "08P01" || code == "57P02"
	}
}

// The refusals of PgBouncer are messages that stay the same however often a
// client connects. PgBouncer sends 08P01 for these refusals and for passing
// states alike.
var (
	refusedUser     = []string{"authentication failed", "no such user"}
	refusedDatabase = []string{"does not exist", "no such database"}
	refusedOption   = []string{"unsupported startup parameter"}
)

func poolerRefuses(e *pgconn.PgError) bool {
	return poolerSays(e, slices.Concat(refusedUser, refusedDatabase, refusedOption))
}

func poolerSays(e *pgconn.PgError, texts []string) bool {
	return e.Code == "08P01" && slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(e.Message, text) })
}

// lost reports whether there is no connection. The driver does not export its
// error about a connection that it closed.
func lost(err error) bool {
	if strings.Contains(err.Error(), "conn closed") {
		err = errors.Join(err, net.ErrClosed)
	}
	return neterr.Lost(err)
}

func (dialect) WrongTable(err error) bool { return state(err) == "42703" }

// Explain says what the server refused, or that the server could not be
// reached.
func (d dialect) Explain(err error) error {
	if explained.Is(err) {
		return err
	}
	var e *pgconn.PgError
	var connecting *pgconn.ConnectError
	switch {
	case errors.As(err, &e):
		return explained.New(err, "%s", d.refusal(e))
	case errors.As(err, &connecting) && errors.Is(err, context.DeadlineExceeded): // not the caller's deadline, which was checked before
		return explained.New(err, "cannot connect to PostgreSQL at %s: no answer within connect_timeout", d.server())
	case errors.As(err, &connecting):
		return explained.New(err, "cannot connect to PostgreSQL at %s: %s", d.server(), neterr.Causes(err))
	case lost(err):
		return explained.New(err, "the connection to PostgreSQL at %s was lost: %s", d.server(), neterr.RootCause(err))
	}
	return err
}

func (d dialect) refusal(e *pgconn.PgError) string {
	switch {
	case e.Code == "28P01", e.Code == "28000", poolerSays(e, refusedUser):
		return fmt.Sprintf("PostgreSQL at %s refuses the user %q: %s", d.server(), d.user, e.Message)
	case e.Code == "3D000", poolerSays(e, refusedDatabase):
		return fmt.Sprintf("PostgreSQL at %s has no database %q", d.server(), d.database)
	case e.Code == "42501":
		return fmt.Sprintf("the user %q lacks a right in the database %s: %s", d.user, d.Name(), e.Message)
	case e.Code == "25006", e.Code == notSupported && inRecovery(e):
		return fmt.Sprintf("the database %s cannot be written, only read (osp_read_only opens it so): %s", d.Name(), e.Message)
	case e.Code == "53100":
		return fmt.Sprintf("the database %s cannot grow: the disk is full: %s", d.Name(), e.Message)
	}
	return fmt.Sprintf("the database %s: %s (%s)", d.Name(), e.Message, e.Code)
}
