package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

func TestIsTransient(t *testing.T) {
	reason := errors.New("the server is busy")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{reason, false},
		{fmt.Errorf("listing: %w", &store.TransientError{Err: reason}), true},
		{fmt.Errorf("writing: %w", &store.WriteError{Err: reason, Transient: true}), true},
		{&store.WriteError{Err: reason}, false},
		{&store.WriteError{Err: &store.TransientError{Err: reason}}, false},
		{store.NotFound("id"), false},
		{fmt.Errorf("reading: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), true},
		{fmt.Errorf("reading: %w", io.EOF), true},
		{fmt.Errorf("reading: %w", os.NewSyscallError("read", syscall.ECONNRESET)), true},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, false},
		{fmt.Errorf("reading: %w", &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}), false},
		{fmt.Errorf("reading: %w", &net.OpError{Op: "dial", Net: "tcp", Err: &net.AddrError{Err: "missing port in address", Addr: "h"}}), false},
		{fmt.Errorf("reading: %w", &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}), true},
		{&url.Error{Op: "Get", URL: "x://h", Err: errors.New("unsupported protocol scheme")}, false},
		{&url.Error{Op: "Get", URL: "http://h", Err: io.EOF}, true},
		{context.Canceled, false},
		{fmt.Errorf("reading: %w", context.DeadlineExceeded), false},
		{&store.TransientError{Err: store.ErrCursor}, false},
		{&store.TransientError{Err: store.ErrClosed}, false},
		{&store.TransientError{Err: errors.ErrUnsupported}, false},
	} {
		if got := store.IsTransient(c.err); got != c.want {
			t.Errorf("IsTransient(%v) = %v", c.err, got)
		}
	}
}

func TestRetryDo(t *testing.T) {
	busy, broken := &store.TransientError{Err: errors.New("busy")}, errors.New("broken")
	for name, c := range map[string]struct {
		retry store.Retry
		errs  []error // the errors of the first calls; the last one is also that of all further calls
		want  error
		calls int // 0: any number
		took  time.Duration
	}{
		"at once":         {store.Retry{}, []error{nil}, nil, 1, 0},
		"after a while":   {store.Retry{}, []error{busy, busy, nil}, nil, 3, time.Second},
		"never":           {store.Retry{Elapsed: 3 * time.Second}, []error{busy}, busy, 0, 3 * time.Second},
		"final":           {store.Retry{}, []error{busy, broken}, broken, 2, time.Second},
		"only one try":    {store.Retry{Elapsed: -1}, []error{busy, nil}, busy, 1, 0},
		"the context end": {store.Retry{}, []error{busy}, context.DeadlineExceeded, 0, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			calls, began := 0, time.Now()
			err := c.retry.Do(ctx, func() error {
				calls++
				return c.errs[min(calls, len(c.errs))-1]
			})
			if !errors.Is(err, c.want) || c.calls > 0 && calls != c.calls || time.Since(began) > c.took {
				t.Errorf("%s: %v after %d calls and %v", name, err, calls, time.Since(began))
			}
		})
	}
}
