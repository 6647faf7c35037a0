package backend

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

var errOfLibrary = errors.New("bad packet")

func TestLostConnection(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, true},
		{fmt.Errorf("ping: %w", driver.ErrBadConn), true},
		{fmt.Errorf("read: %w", errOfLibrary), true},
		{errors.Join(errOfLibrary, context.Canceled), false},
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{net.ErrClosed, true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{&net.OpError{Op: "dial", Err: context.Canceled}, false},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, false},
		{errors.New("no such table"), false},
	} {
		if got := LostConnection(c.err, errOfLibrary); got != c.want {
			t.Errorf("%v: got %v", c.err, got)
		}
	}
}

func TestRootCause(t *testing.T) {
	inner := errors.New("refused\nagain")
	for _, err := range []error{inner, fmt.Errorf("a: %w", inner), errors.Join(io.EOF, fmt.Errorf("b: %w", inner)), fmt.Errorf("c: %w, %w", io.EOF, inner)} {
		if got := RootCause(err); got != "refused again" {
			t.Errorf("%v: got %s", err, got)
		}
	}
}
