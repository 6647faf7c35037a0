package neterr

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// Lost reports whether err means that there is no connection to the server, but
// that a new attempt may succeed. A host name that does not resolve counts, because
// the name of a Kubernetes service without a ready pod does not resolve either.
// An error does not count if [Stays] is true for it, or if it is the cancellation
// of the caller's context. libraryErrors are errors of the client library that also
// mean a lost connection.
func Lost(err error, libraryErrors ...error) bool {
	return conditionOf(err, libraryErrors) == mayPass
}

// Stays reports whether each new attempt to connect will fail as this one did,
// until somebody changes the configuration of one side: TLS was refused
// ([RefusedTLS]), or the system refuses the address ([RefusedDial]). If err
// joins the errors of several attempts, all of them must stay.
func Stays(err error) bool { return conditionOf(err, nil) == stays }

// ClassOf returns the class of an error about a connection: Stays, Passes if
// nothing was sent because the connection was not established, or Unknown if
// the connection was lost later. ok is false for an error that is not about a
// connection.
func ClassOf(err error, libraryErrors ...error) (class serverstate.Class, ok bool) {
	switch conditionOf(err, libraryErrors) {
	case stays:
		return serverstate.Stays, true
	case mayPass:
		if Unconnected(err) {
			return serverstate.Passes, true
		}
		return serverstate.Unknown, true
	}
	return serverstate.Unknown, false
}

// Broken reports whether the other side ended the connection.
func Broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || within(err, isReset)
}

func isReset(err error) bool {
	errno, ok := err.(syscall.Errno) //nolint:errorlint // within unwraps
	return ok && slices.Contains(resets, errno)
}

// A condition is the state of the connection according to one error.
type condition int

const (
	unrelated condition = iota // the error is not about the connection
	stays
	mayPass
)

// conditionOf returns the condition according to a tree of errors. If the tree has the
// errors of several attempts, an attempt that may succeed later decides.
func conditionOf(err error, libraryErrors []error) condition {
	if err == nil || errors.Is(err, context.Canceled) {
		return unrelated
	}
	return conditionWithin(err, libraryErrors)
}

func conditionWithin(err error, libraryErrors []error) condition {
	if refusesTLS(err) || refusesDial(err) {
		return stays
	}
	inner := unrelated
	for _, one := range unwrap(err) {
		inner = max(inner, conditionWithin(one, libraryErrors))
	}
	if inner == unrelated && isLost(err, libraryErrors) {
		return mayPass
	}
	return inner
}

// lostErrors are the errors of the standard library without a type of their own
// that mean a lost connection.
var lostErrors = []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed}

// isLost reports whether err itself means a lost connection. It does not look at the
// errors that err wraps, except where err has a method Is.
func isLost(err error, libraryErrors []error) bool {
	if isReset(err) {
		return true
	}
	// A system's error number has the methods of a net.Error, but may be about a
	// file. A *url.Error has them too, but may be about the URL.
	switch e := err.(type) { //nolint:errorlint // conditionWithin unwraps
	case syscall.Errno:
	case *url.Error:
		return !isAboutURL(e)
	case net.Error:
		return true
	}
	is := func(one error) bool { return errors.Is(err, one) }
	return slices.ContainsFunc(lostErrors, is) || slices.ContainsFunc(libraryErrors, is)
}

// isAboutURL reports whether the HTTP client did not try to connect, because it
// cannot use the URL. Package net/http exports no errors for it.
func isAboutURL(err *url.Error) bool {
	text := err.Err.Error()
	return err.Op == "parse" || strings.Contains(text, "unsupported protocol scheme") || strings.Contains(text, "no Host in request URL")
}

// within reports whether is returns true for any error of a tree.
func within(err error, is func(error) bool) bool {
	if err == nil {
		return false
	}
	return is(err) || slices.ContainsFunc(unwrap(err), func(inner error) bool { return within(inner, is) })
}

// unwrap returns the errors that err wraps.
func unwrap(err error) []error {
	switch e := err.(type) { //nolint:errorlint // the callers walk through the tree
	case interface{ Unwrap() []error }:
		return slices.DeleteFunc(slices.Clone(e.Unwrap()), func(one error) bool { return one == nil })
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return []error{inner}
		}
	}
	return nil
}
