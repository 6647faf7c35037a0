package sql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// If a server halts while a client connects or is connected to it, the error at
// the end of the context names the server, for writing and for reading. The same
// applies to a server that is gone after it halted.
func TestServerHalts(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		u := parse(t, at)
		proxy := testenv.NewProxy(t, u.Host)
		u.Host = proxy.Addr()
		s, err := store.Open(t.Context(), u.String())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		writeOne(t, s, "before")
		proxy.Blackhole(true)
		const silent = " did not answer within "
		writeBriefly(t, s, proxy.Addr(), silent)
		testenv.Growing(t, 300*time.Millisecond, func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			for _, err := range s.Notifications(ctx, "before") {
				if err := checkDeadline(err, proxy.Addr(), silent); err != nil {
					return err
				}
			}
			return nil
		})
		proxy.Blackhole(false)
		proxy.Refuse(true)
		proxy.Reset()
		writeBriefly(t, s, proxy.Addr(), "; gave up after ")
	})
}

func writeBriefly(t *testing.T, s *store.Store, addr, want string) {
	t.Helper()
	testenv.Growing(t, 500*time.Millisecond, func(d time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		n := osprofiler.Notification{BaseID: "x", TraceID: "x", ParentID: "x", Name: "x-start", Timestamp: "2026-01-02T03:04:05.000000"}
		err := (store.Retry{}).Write(ctx, s, []osprofiler.Notification{n})
		if err != nil && !strings.HasSuffix(err.Error(), "; 1 of 1 notifications may not be stored") {
			return err
		}
		return checkDeadline(err, addr, want)
	})
}

// checkDeadline checks an error, and returns an error that says what is wrong
// with it.
func checkDeadline(err error, addr, want string) error {
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), want) {
		return fmt.Errorf("%w; want an error with %q and %q", err, addr, want)
	}
	return nil
}
