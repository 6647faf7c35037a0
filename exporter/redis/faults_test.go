package redis_test

import (
	"net"
	"slices"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A server whose disk is full stops by itself, because it must not acknowledge
// writes that it cannot keep.
func TestFaults(t *testing.T) {
	t.Parallel()
	faults.Server{
		Start: func(t testing.TB, d testenv.Disk) *testenv.Server { return testenv.StartRedisOn(t, d, durable...) },
		At: func(_ *testenv.Server, addr string) string {
			return "redis://" + addr + "?socket_timeout=2&osp_legacy=no"
		},
		Disk: "64m",
	}.Test(t)
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	set := testenv.StartSentinels(t, durable...)
	e := faults.Export{Store: open(t, set.URL+"&socket_timeout=1&osp_replicas=1&osp_legacy=no")}
	failedOver := false
	r := e.Run(t, func(p *faults.Progress) {
		set.Master.Kill()
		failedOver = p.Await(func() bool { return testenv.SentinelMaster(t, set.URL) != set.Master.Addr() })
		// A replica that is alone has no replica that could acknowledge. The
		// old master becomes its replica when it is started again.
		set.Master.Restart()
	})
	r.Check(t, open(t, set.URL+"&osp_legacy=no"))
	if !failedOver { // by now there may have been another failover, back to the old master
		t.Error("there was no failover")
	}
}

// For three seconds the address of the server leads to its replica, as behind
// HAProxy after a switch-over that was undone.
func TestReplicaBehindTheAddress(t *testing.T) {
	t.Parallel()
	master, replica := testenv.StartRedis(t), testenv.StartRedis(t)
	host, port, _ := net.SplitHostPort(master.Addr())
	do(t, bare(t, "redis://"+replica.Addr()), "REPLICAOF", host, port)
	proxy := testenv.NewProxy(t, master.Addr())
	faults.Passing{
		Store:  open(t, "redis://"+proxy.Addr()+"?osp_legacy=no"),
		Direct: func() *store.Store { return open(t, "redis://"+master.Addr()+"?osp_legacy=no") },
		Enter:  func(*testing.T) { proxy.Switch(replica.Addr()) },
		Leave:  func(*testing.T) { proxy.Switch(master.Addr()) },
	}.Test(t)
}

// The state of the server does not allow writes for three seconds.
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
				Direct: func() *store.Store { return open(t, "redis://"+server.Addr()+"?osp_legacy=no"+st.option) },
				Enter:  func(t *testing.T) { leave = st.enter(t, admin, server) },
				Leave:  func(*testing.T) { leave() },
			}.Test(t)
		})
	}
}
