package mysql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// number returns the server's number for an error, or 0 if the server did not
// send the error.
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

// TooMuch implements table.Errors. Group replication has a limit for
// transactions, whose error (3100) can also mean something else. The lock table
// may also be full (1206).
func (dialect) TooMuch(err error) bool { return number(err) == 3100 || number(err) == 1206 }

// Suspect implements table.Errors. Servers and proxies may close the connection
// when a packet is larger than they accept, or run out of memory.
func (d dialect) Suspect(err error, took time.Duration) bool {
	switch number(err) {
	case 0:
		return lost(err) && (d.timeout == 0 || took < d.timeout)
	case 1037, 1038, 1041, 1105, 1160, 1161:
		return true
	}
	return false
}

// lost reports whether there is no connection.
func lost(err error) bool { return neterr.Lost(err, lostErrors...) }

// lostErrors are the driver's errors that mean a lost connection.
var lostErrors = []error{errSilent, driver.ErrInvalidConn, driver.ErrMalformPkt, driver.ErrPktSync, driver.ErrPktSyncMul}

func (dialect) WrongTable(err error) bool { return number(err) == 1054 }

// Explain says what the server refused, or that the server could not be
// reached.
func (d dialect) Explain(err error) error {
	if explained.Is(err) {
		return err
	}
	var e *driver.MySQLError
	switch {
	case errors.As(err, &e):
		return explained.New(err, "%s", d.refusal(e))
	case errors.Is(err, driver.ErrNoTLS):
		return explained.New(err, "the server at %s offers no TLS, which the connection string asks for", d.address)
	case errors.Is(err, errSilent):
		return explained.New(err, "cannot connect to MySQL at %s: %v", d.address, errSilent)
	case errors.Is(err, driver.ErrPktTooLarge):
		return explained.New(err, "%s", d.tooLarge())
	}
	at := neterr.Server{Name: "MySQL at " + d.address, Trust: "ssl_ca names the file with the authorities to trust"}
	return at.Explain(err, lostErrors...)
}

// tooLarge returns the reason why one notification is refused.
func (d dialect) tooLarge() string {
	return "it is larger than the server takes (max_allowed_packet): MySQL at " + d.address
}

// withoutFiles returns a hint that names the missing option files, which may hold
// the password.
func (d dialect) withoutFiles() string {
	if d.missingFiles == "" {
		return ""
	}
	return fmt.Sprintf(" (there is no option file %s)", d.missingFiles)
}

func quotedList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return strings.Join(quoted, ", ")
}

func (d dialect) refusal(e *driver.MySQLError) string {
	switch e.Number {
	case 1105:
		if strings.Contains(e.Message, "max_allowed_packet") {
			return d.tooLarge()
		}
	case 1045, 1698:
		return fmt.Sprintf("MySQL at %s refuses the user %q: %s%s", d.address, d.user, e.Message, d.withoutFiles())
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
