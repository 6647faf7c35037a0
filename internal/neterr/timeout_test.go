package neterr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimedOut(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{os.ErrDeadlineExceeded, true},
		{fmt.Errorf("ping: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), true},
		{context.DeadlineExceeded, true},
		{errors.Join(io.EOF, os.ErrDeadlineExceeded), true},
		{system("connect", syscall.ETIMEDOUT), true},
		{dialing(system("connect", syscall.ECONNREFUSED)), false},
		{&net.DNSError{Err: "i/o timeout", IsTimeout: true}, false}, // of a name server
		{syscall.EAGAIN, false},
		{context.Canceled, false},
		{io.EOF, false},
		{nil, false},
	} {
		if got := TimedOut(c.err); got != c.want {
			t.Errorf("TimedOut(%v) = %v", c.err, got)
		}
	}
}

// ContextError also returns DeadlineExceeded if a connection with the context's deadline
// notices the deadline a little earlier than the context.
func TestContextError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := ContextError(ctx, os.ErrDeadlineExceeded); err != nil {
			t.Errorf("with a minute left: %v", err)
		}
		time.Sleep(time.Minute - 500*time.Microsecond)
		if err := ContextError(ctx, io.EOF); err != nil {
			t.Errorf("a connection that broke: %v", err)
		}
		if err := ContextError(ctx, os.ErrDeadlineExceeded); err != context.DeadlineExceeded {
			t.Errorf("at the deadline: %v", err)
		}
		cancel()
		if err := ContextError(ctx, io.EOF); err != context.Canceled {
			t.Errorf("after cancelling: %v", err)
		}
	})
	if err := ContextError(t.Context(), os.ErrDeadlineExceeded); err != nil {
		t.Errorf("without a deadline: %v", err)
	}
}
