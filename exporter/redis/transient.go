package redis

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// isTransient tells whether the same command may succeed later.
func isTransient(err error) bool { return classOf(err) != stays }

// classOf returns the class of an error. Of several sentinels it is enough
// that one may answer later.
func classOf(err error) serverstate.Class {
	var several interface{ Unwrap() []error }
	if noSentinel(err) && errors.As(err, &several) {
		classes := make([]serverstate.Class, 0, len(several.Unwrap()))
		for _, one := range several.Unwrap() {
			classes = append(classes, classOf(one))
		}
		if len(classes) > 0 {
			return slices.Min(classes) // stays only if each of them does
		}
	}
	if text, ok := replyOf(err); ok {
		return classOfReply(text)
	}
	if staysUnconnected(err) {
		return stays
	}
	return unknown
}

// refusedDials are what a system says to every attempt to connect, until
// somebody changes the system or the connection string. The others, such as
// ECONNREFUSED, and ENOENT for the socket of a server that starts, pass. So
// does a host name without an address, which a Kubernetes service is while it
// has no member that is ready.
var refusedDials = []error{
	syscall.EACCES, syscall.EPERM, syscall.ENOTSOCK, syscall.ENOTDIR, syscall.ENAMETOOLONG,
	syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT, syscall.EPROTOTYPE,
}

// staysUnconnected tells whether an error that is no reply of a server will be
// the same at the next attempt.
func staysUnconnected(err error) bool {
	var address *net.AddrError
	var network net.UnknownNetworkError
	var greeting *greetingError
	return backend.RefusedTLS(err) || errors.As(err, &address) || errors.As(err, &network) || errors.As(err, &greeting) || errors.Is(err, goredis.ErrClosed) || slices.ContainsFunc(refusedDials, func(refused error) bool { return errors.Is(err, refused) })
}

func isWrongType(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE ")
}

// isRefusal tells whether a server or a sentinel wants another user or password.
func isRefusal(err error) bool {
	if _, ok := replyOf(err); !ok {
		return false
	}
	for _, word := range []string{"WRONGPASS", "NOAUTH", "invalid password", "AUTH <password>", "invalid username-password", "unauthenticated"} {
		if strings.Contains(err.Error(), word) {
			return true
		}
	}
	return false
}

// isBroken tells whether the other side broke the connection.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// timedOut tells whether a server gave no answer in time. A name server does
// not count.
func timedOut(err error) bool {
	var timeout net.Error
	var name *net.DNSError
	return !errors.As(err, &name) && (errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout())
}

// ofKeys tells whether a pipeline's error is about one key, and not about the
// connection: commands that were never sent need not have an error of their own.
func ofKeys(err error) bool { return isWrongType(err) || errors.Is(err, goredis.Nil) }

// noSentinel says that no sentinel answers, or that none knows the master.
func noSentinel(err error) bool { return strings.Contains(err.Error(), "all sentinels") }
