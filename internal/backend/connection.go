package backend

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
)

// LostConnection tells whether an error of a client library says that there is
// no connection to the server, and a new one may succeed. A host name that does
// not resolve counts as lost, because the name of a Kubernetes service without
// a ready pod does not resolve either. TLS that one side refused does not. The
// library may have errors of its own that say so.
func LostConnection(err error, libraryErrors ...error) bool {
	if errors.Is(err, context.Canceled) || RefusedTLS(err) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || slices.ContainsFunc(append(libraryErrors, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed),
		func(one error) bool { return errors.Is(err, one) })
}

// RootCause returns the innermost cause of the last attempt, on one line. A
// client library that tries several hosts, or TLS and plain text, tells of each
// attempt.
func RootCause(err error) string {
	for {
		if list, ok := err.(interface{ Unwrap() []error }); ok && len(list.Unwrap()) > 0 {
			err = list.Unwrap()[len(list.Unwrap())-1]
			continue
		}
		inner := errors.Unwrap(err)
		if inner == nil {
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
		err = inner
	}
}
