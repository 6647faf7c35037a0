package redis_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

// A server whose disk is full ends by itself, since it must not acknowledge
// what it cannot keep.
func TestFaults(t *testing.T) {
	faults.Server{
		Start: func(t testing.TB, d testenv.Disk) *testenv.Server { return testenv.StartRedisOn(t, d, durable...) },
		At: func(_ *testenv.Server, addr string) string {
			return "redis://" + addr + "?socket_timeout=2&osp_legacy=no"
		},
		Disk: "64m",
	}.Test(t)
}

func TestSentinelFailover(t *testing.T) {
	set := testenv.StartSentinels(t, durable...)
	e := faults.Export{Store: open(t, set.URL+"&socket_timeout=1&osp_replicas=1&osp_legacy=no")}
	failedOver := false
	r := e.Run(t, func(p *faults.Progress) {
		set.Master.Kill()
		failedOver = p.Await(func() bool { return testenv.SentinelMaster(t, set.URL) != set.Master.Addr() })
		// The replica alone has no replica that could acknowledge; the old
		// master becomes it when it is back.
		set.Master.Restart()
	})
	r.Check(t, open(t, set.URL+"&osp_legacy=no"))
	if !failedOver { // by now there may have been another one, back
		t.Error("there was no failover")
	}
}

// The address of the server leads to its replica for three seconds, as behind
// HAProxy after a switch-over that was taken back.
func TestReplicaBehindTheAddress(t *testing.T) {
	master, replica := testenv.StartRedis(t), testenv.StartRedis(t)
	host, port, _ := net.SplitHostPort(master.Addr())
	do(t, bare(t, "redis://"+replica.Addr()), "REPLICAOF", host, port)
	proxy := testenv.NewProxy(t, master.Addr())
	faults.Passing{
		Store:  open(t, "redis://"+proxy.Addr()+"?osp_legacy=no"),
		Direct: func() store.Store { return open(t, "redis://"+master.Addr()+"?osp_legacy=no") },
		Enter:  func(*testing.T) { proxy.Switch(replica.Addr()) },
		Leave:  func(*testing.T) { proxy.Switch(master.Addr()) },
	}.Test(t)
}

// The server's state does not let it take writes for three seconds.
func TestPassingStates(t *testing.T) {
	for _, name := range []string{"LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "OOM", "CLUSTERDOWN"} {
		st := states[slices.IndexFunc(states, func(st state) bool { return st.name == name })]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startIn(t, st)
			admin := bare(t, "redis://"+server.Addr()+"?pool_size=1&protocol=2")
			var leave func()
			faults.Passing{
				Store:  open(t, "redis://"+server.Addr()+"?osp_legacy=no&max_connections=3"+st.option),
				Direct: func() store.Store { return open(t, "redis://"+server.Addr()+"?osp_legacy=no"+st.option) },
				Enter:  func(t *testing.T) { leave = st.enter(t, admin, server) },
				Leave:  func(*testing.T) { leave() },
			}.Test(t)
		})
	}
}

// Nothing blocks past its context, whether that is cancelled or expires.
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
			"Changes":       func(ctx context.Context) error { return only(s.Changes(ctx, "")) },
		} {
			ctx, cancel := c.with()
			start := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(start); took > 4*time.Second || !errors.Is(err, c.want) {
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
