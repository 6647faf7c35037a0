package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// No call blocks longer than its context, whether the context is cancelled or
// expires.
func TestNothingOutlivesItsContext(t *testing.T) {
	proxy := testenv.NewProxy(t, testenv.StartRedis(t).Addr())
	s := open(t, "redis://"+proxy.Addr())
	write(t, s, event("x", 1))
	proxy.Blackhole(true)
	cancelled := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		return ctx, cancel
	}
	expired := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(t.Context(), 100*time.Millisecond)
	}
	for name, c := range map[string]struct {
		with func() (context.Context, context.CancelFunc)
		want error
	}{"cancelled": {cancelled, context.Canceled}, "expired": {expired, context.DeadlineExceeded}} {
		for method, call := range map[string]func(ctx context.Context) error{
			"Write":         func(ctx context.Context) error { return s.Write(ctx, []osprofiler.Notification{event("x", 2)}) },
			"Notifications": func(ctx context.Context) error { return only(s.Notifications(ctx, "x")) },
			"Traces":        func(ctx context.Context) error { return only(s.Traces(ctx, store.Query{})) },
			"feed":          func(ctx context.Context) error { return only(feed(t, s, "").Poll(ctx)) },
			"Ping":          s.Ping,
			"Delete":        func(ctx context.Context) error { return only2(s.Delete(ctx, "x")) },
		} {
			ctx, cancel := c.with()
			start := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(start); took > time.Minute || !errors.Is(err, c.want) {
				t.Errorf("%s, whose context is %s, returned %v after %v", method, name, err, took)
			}
		}
	}
	done := make(chan error)
	go func() { done <- s.Write(context.Background(), []osprofiler.Notification{event("x", 3)}) }()
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, store.ErrClosed) {
		t.Errorf("a write while the store was closed: %v", err)
	}
	proxy.Blackhole(false)
}

// only returns the last error of a sequence.
func only[T any](sequence func(yield func(T, error) bool)) (last error) {
	for _, err := range sequence {
		last = err
	}
	return last
}

// only2 returns the error of a function with two results.
func only2[T any](_ T, err error) error { return err }
