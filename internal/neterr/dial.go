package neterr

import (
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
)

// refusedDials are the error numbers that the system returns for every attempt
// to connect, until somebody changes the system or the connection string. Other
// error numbers are temporary, such as ECONNREFUSED, and ENOENT for the socket of a
// server that is starting.
var refusedDials = []error{
	syscall.EACCES, syscall.EPERM, syscall.ENOTSOCK, syscall.ENOTDIR, syscall.ENAMETOOLONG,
	syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT, syscall.EPROTOTYPE,
}

// RefusedDial reports whether the system refuses to connect to the address for
// a lasting reason: the address is malformed, of an unknown kind, or this
// process may not connect to it.
func RefusedDial(err error) bool { return within(err, refusesDial) }

func refusesDial(err error) bool {
	switch e := err.(type) { //nolint:errorlint // the callers walk through the tree
	case *net.AddrError, net.UnknownNetworkError:
		return true
	case *net.OpError:
		return e.Op == "dial" && slices.ContainsFunc(refusedDials, func(refused error) bool { return errors.Is(e.Err, refused) })
	}
	return false
}

// Unresolved reports whether no address was found for a host name.
func Unresolved(err error) bool { return errors.As(err, new(*net.DNSError)) }

// Unconnected reports whether no connection was established, so that nothing
// was sent. If err joins the errors of several attempts, Unconnected returns false
// if any of the attempts had a connection.
func Unconnected(err error) bool { return within(err, isUnconnected) && !within(err, wasConnected) }

func isUnconnected(err error) bool {
	switch e := err.(type) { //nolint:errorlint // within unwraps
	case *net.DNSError:
		return true
	case *net.OpError:
		return e.Op == "dial"
	}
	return false
}

func wasConnected(err error) bool {
	operation, ok := err.(*net.OpError)                                                                             //nolint:errorlint // within unwraps
	return ok && (operation.Op == "read" || operation.Op == "write") || err == io.EOF || err == io.ErrUnexpectedEOF //nolint:errorlint // likewise
}
