package neterr

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// TimedOut reports whether a server did not answer in time. A timeout of a name server
// does not count.
func TimedOut(err error) bool {
	return !Unresolved(err) && (errors.Is(err, os.ErrDeadlineExceeded) || within(err, isTimeout))
}

func isTimeout(err error) bool {
	if errno, ok := err.(syscall.Errno); ok { //nolint:errorlint // within unwraps
		return errno == syscall.ETIMEDOUT // not EAGAIN, which is no time that passed
	}
	timeout, ok := err.(net.Error) //nolint:errorlint // likewise
	return ok && timeout.Timeout()
}

// ContextError returns the error of the caller's context if the context has
// ended, and nil otherwise. err is the error of a call with this context. A
// connection that has the context's deadline may notice the deadline a little before
// the context does. ContextError returns context.DeadlineExceeded then.
func ContextError(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	deadline, ok := ctx.Deadline()
	if ok && time.Until(deadline) < time.Millisecond && TimedOut(err) {
		return context.DeadlineExceeded
	}
	return nil
}

// Informs reports whether err names the reason why a call failed whose context has ended.
// An error names no reason if it says only that the call was interrupted, or that no
// answer came in time.
func Informs(err error) bool {
	is := func(target error) bool { return errors.Is(err, target) }
	return err != nil && !TimedOut(err) && !slices.ContainsFunc(interruptions, is)
}

// interruptions are the errors of a call that this side ended.
var interruptions = []error{context.Canceled, context.DeadlineExceeded, net.ErrClosed}
