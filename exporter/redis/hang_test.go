package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// If a server halts while a client connects or is connected to it, the error at
// the end of the context names the server. The same applies to a server that is
// gone after it halted.
func TestServerHalts(t *testing.T) {
	options, err := goredis.ParseURL(testenv.RedisDB(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := testenv.NewProxy(t, options.Addr)
	s, err := store.Open(t.Context(), "redis://"+proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write := func(ctx context.Context) error {
		n := osprofiler.Notification{BaseID: "halts", TraceID: "t", ParentID: "halts", Name: "op-start", Timestamp: "2026-01-02T03:04:05.000000"}
		return (store.Retry{}).Write(ctx, s, []osprofiler.Notification{n})
	}
	check := func(call func(context.Context) error, want string) {
		t.Helper()
		testenv.Growing(t, 300*time.Millisecond, func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			err := call(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), proxy.Addr()) || !strings.Contains(err.Error(), want) {
				return fmt.Errorf("%w; want %q", err, want)
			}
			return nil
		})
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Blackhole(true)
	check(write, " did not answer within ")
	check(func(ctx context.Context) error { return only(s.Notifications(ctx, "halts")) }, " did not answer within ")
	proxy.Blackhole(false)
	proxy.Refuse(true)
	proxy.Reset()
	check(write, "; gave up after ")
}
