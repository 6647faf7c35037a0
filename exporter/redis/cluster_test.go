package redis_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// startCluster starts two masters, which share the slots.
func startCluster(t testing.TB) []string {
	t.Helper()
	var addrs []string
	var clients []*goredis.Client
	for range 2 {
		server := testenv.StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", portOf(freeAddress(t)))
		addrs = append(addrs, server.Addr())
		clients = append(clients, bare(t, "redis://"+server.Addr()))
	}
	ctx := t.Context()
	host, port, _ := strings.Cut(addrs[0], ":")
	bus := clients[0].ConfigGet(ctx, "cluster-port").Val()["cluster-port"]
	for _, err := range []error{
		clients[0].ClusterAddSlotsRange(ctx, 0, 8191).Err(),
		clients[1].ClusterAddSlotsRange(ctx, 8192, 16383).Err(),
		clients[1].Do(ctx, "cluster", "set-config-epoch", 2).Err(),
		clients[1].Do(ctx, "cluster", "meet", host, port, bus).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		for i := 0; !strings.Contains(c.ClusterInfo(ctx).Val(), "cluster_state:ok"); i++ {
			if i > 2000 {
				t.Fatalf("the cluster does not come up: %s", c.ClusterInfo(ctx).Val())
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return addrs
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func TestCluster(t *testing.T) {
	t.Parallel()
	addrs := startCluster(t)
	s := open(t, "redis://"+strings.Join(addrs, ",")+"?osp_cluster=yes", oredis.WithFilterErrorTrace(true), oredis.WithTTL(time.Hour))
	const traces = 300
	var batch []osprofiler.Notification
	for i := range traces {
		failed := event("trace-"+strconv.Itoa(i), 2*i+1)
		failed.Info = `{"etype": "E", "host": "h"}`
		batch = append(batch, event(failed.BaseID, 2*i), failed)
	}
	write(t, s, batch...)
	for _, addr := range addrs {
		if size := bare(t, "redis://"+addr).DBSize(t.Context()).Val(); size < traces/2 {
			t.Errorf("%s has %d keys: the traces are not spread", addr, size)
		}
	}
	if got, damage := collect(t, s.Traces(t.Context(), store.Query{Limit: 10})); len(got) != 10 || got[0].BaseID != "trace-299" || damage != nil {
		t.Errorf("listed %v, %v", got, damage)
	}
	for name, count := range map[string]int{
		"traces":          len(first(collect(t, s.Traces(t.Context(), store.Query{})))),
		"failed":          len(first(collect(t, s.Traces(t.Context(), store.Query{Failed: true})))),
		"Python's traces": len(first(collect(t, s.PythonAnswers().Traces(t.Context(), nil)))),
		"Python's failed": len(first(collect(t, s.PythonAnswers().FailedTraces(t.Context())))),
		"feed":            len(first(collect(t, feed(t, s, "").Poll(t.Context())))) / 2,
	} {
		if count != traces {
			t.Errorf("%s: %d, want %d", name, count, traces)
		}
	}
	if got, _ := collect(t, s.Notifications(t.Context(), "trace-7")); len(got) != 2 {
		t.Errorf("one trace: %v", got)
	}
}

func first[T any](v []T, _ []error) []T { return v }

// Nothing is lost when slots move while keys in them are written: the client
// follows MOVED and ASK.
func TestSlotsThatMove(t *testing.T) {
	t.Parallel()
	addrs := startCluster(t)
	s := open(t, "redis://"+strings.Join(addrs, ",")+"?osp_cluster=yes&osp_legacy=no")
	var batch []osprofiler.Notification
	for i := range 200 {
		batch = append(batch, event("trace-"+strconv.Itoa(i), i))
	}
	write(t, s, batch...)
	stop, written := make(chan struct{}), make(chan int)
	go func() {
		for rounds := 1; ; rounds++ {
			if err := (store.Retry{Elapsed: time.Minute}).Write(t.Context(), s, again(batch)); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				written <- rounds
				return
			default:
			}
		}
	}()
	for i := range 60 {
		moveSlot(t, addrs, "osprofiler_opt:trace-"+strconv.Itoa(i))
	}
	close(stop)
	rounds := <-written
	for i := range batch {
		if got, _ := collect(t, s.Notifications(t.Context(), batch[i].BaseID)); len(got) != rounds+1 {
			t.Errorf("of trace %d there are %d of %d", i, len(got), rounds+1)
		}
	}
}

// again returns notifications of the same traces.
func again(batch []osprofiler.Notification) []osprofiler.Notification {
	next := slices.Clone(batch)
	for i := range next {
		next[i].TraceID = osprofiler.NewID()
	}
	return next
}

// moveSlot moves the slot of a key to the other node.
func moveSlot(t *testing.T, addrs []string, key string) {
	t.Helper()
	from, to := bare(t, "redis://"+addrs[0]), bare(t, "redis://"+addrs[1])
	slot := from.ClusterKeySlot(t.Context(), key).Val()
	if slot > 8191 { // the second node has the slot, or it was moved there
		return
	}
	ids := []string{from.ClusterMyID(t.Context()).Val(), to.ClusterMyID(t.Context()).Val()}
	do(t, to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
	do(t, from, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
	host, port, _ := strings.Cut(addrs[1], ":")
	for {
		keys := from.ClusterGetKeysInSlot(t.Context(), int(slot), 100).Val()
		if len(keys) == 0 {
			break
		}
		for _, k := range keys {
			do(t, from, "MIGRATE", host, port, k, 0, 60_000)
		}
	}
	time.Sleep(20 * time.Millisecond) // clients ask the other node for new keys of the slot
	do(t, to, "CLUSTER", "SETSLOT", slot, "NODE", ids[1])
	do(t, from, "CLUSTER", "SETSLOT", slot, "NODE", ids[1])
}
