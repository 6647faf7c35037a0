package postgresql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// state is the SQLSTATE of an error that the server sent, else empty.
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Busy: deadlocks, serialization failures, and locks that were not to be had.
func (dialect) Busy(err error) bool {
	if errors.Is(err, errNoCopy) {
		return true
	}
	switch state(err) {
	case "40001", "40P01", "55P03":
		return true
	}
	return false
}

// Transient: no connection, a lost one, a server that starts, ends, has too many
// connections or a full disk, and a standby that is about to take over.
func (dialect) Transient(err error) bool {
	code := state(err)
	switch {
	case poolerSays(err, slices.Concat(refusedUser, refusedDatabase, refusedOption)):
		return false
	case code == "57P01" || code == "57P02" || code == "57P03" || code == "25006" || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53"):
		return true
	case code != "":
		return false
	}
	return lost(err)
}

// What a pooler refuses, however often it is asked. PgBouncer says all that it
// has to say, that it is full too, with the code of a protocol violation.
var (
	refusedUser     = []string{"authentication failed", "no such user"}
	refusedDatabase = []string{"does not exist", "no such database"}
	refusedOption   = []string{"unsupported startup parameter"}
)

func poolerSays(err error, texts []string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "08P01" && slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(e.Message, text) })
}

// lost tells whether there is no connection.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var network net.Error
	var dial *net.OpError
	var unresolved *net.DNSError
	if errors.As(err, &unresolved) && unresolved.IsNotFound {
		return false
	}
	return errors.As(err, &dial) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "conn closed")
}

func (dialect) WrongTable(err error) bool { return state(err) == "42703" }

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
	var e *pgconn.PgError
	var connecting *pgconn.ConnectError
	switch {
	case errors.As(err, &e):
		return say("%s", d.refusal(e))
	case errors.As(err, &connecting) && errors.Is(err, context.DeadlineExceeded): // not the caller's, which was looked at
		return say("cannot connect to PostgreSQL at %s: no answer in the time of connect_timeout", d.server())
	case errors.As(err, &connecting):
		return say("cannot connect to PostgreSQL at %s: %s", d.server(), rootCause(err))
	case lost(err):
		return say("the connection to PostgreSQL at %s was lost: %s", d.server(), rootCause(err))
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
	case e.Code == "25006":
		return fmt.Sprintf("the database %s cannot be written, only read (osp_read_only opens it so): %s", d.Name(), e.Message)
	case e.Code == "53100":
		return fmt.Sprintf("the database %s cannot grow: the disk is full: %s", d.Name(), e.Message)
	}
	return fmt.Sprintf("the database %s: %s (%s)", d.Name(), e.Message, e.Code)
}

// rootCause is the innermost reason, on one line: drivers put whole histories
// of attempts before it.
func rootCause(err error) string {
	for {
		if list, ok := err.(interface{ Unwrap() []error }); ok && len(list.Unwrap()) > 0 {
			err = list.Unwrap()[0]
			continue
		}
		inner := errors.Unwrap(err)
		if inner == nil {
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
		err = inner
	}
}
