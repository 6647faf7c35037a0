package redis_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Notifications that were pushed but did not reach the requested replicas are
// missing, even if another part of the batch failed for another reason.
func TestReplicasAreMissedDespiteARefusal(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	do(t, bare(t, "redis://"+server.Addr()), "SET", "osprofiler_opt:B", "text")
	s := open(t, "redis://"+server.Addr()+"?socket_timeout=10&osp_replicas=1")
	err := s.Write(t.Context(), []osprofiler.Notification{event("A", 1), event("B", 2), event("C", 3)})
	var partial *store.WriteError
	if !errors.As(err, &partial) || !slices.Equal(partial.Missing, []int{0, 1, 2}) || !slices.Equal(partial.Refused, []int{1}) || !partial.Transient ||
		!strings.Contains(err.Error(), "0 of the 1 replicas") {
		t.Errorf("the error is %+v", err)
	}
}

// A master that becomes a replica while Write waits for replicas discards what
// it has acknowledged. The batch is written again to the next master.
func TestReplicasLostWhileWaiting(t *testing.T) {
	t.Parallel()
	server, replica := testenv.StartRedis(t), testenv.StartRedis(t)
	admin := bare(t, "redis://"+server.Addr())
	r := record(open(t, "redis://"+server.Addr()+"?socket_timeout=20&osp_replicas=1&osp_legacy=no"))
	written := make(chan error)
	go func() {
		written <- store.Retry{Elapsed: 2 * time.Minute}.Write(context.Background(), r.Store, sample("A", 50))
	}()
	for i := 0; !strings.Contains(admin.ClientList(t.Context()).Val(), "cmd=wait"); i++ {
		if i == 1000 {
			t.Fatal("no client waits for replicas")
		}
		time.Sleep(20 * time.Millisecond)
	}
	host, port, _ := net.SplitHostPort(testenv.StartRedis(t).Addr())
	do(t, admin, "REPLICAOF", host, port)
	for i := 0; !strings.Contains(admin.Info(t.Context(), "replication").Val(), "master_link_status:up"); i++ {
		if i == 1000 {
			t.Fatal("the replica does not follow its master")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := admin.LLen(t.Context(), "osprofiler_opt:A").Val(); n != 0 {
		t.Fatalf("the replica still has %d entries of its own", n)
	}
	do(t, admin, "REPLICAOF", "NO", "ONE")
	host, port, _ = net.SplitHostPort(server.Addr())
	do(t, bare(t, "redis://"+replica.Addr()), "REPLICAOF", host, port)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if !r.said("UNBLOCKED") {
		t.Errorf("no failed write said UNBLOCKED, but %v", r.errors)
	}
	if got, _ := collect(t, open(t, "redis://"+replica.Addr()+"?osp_legacy=no").Notifications(t.Context(), "A")); len(got) != 50 {
		t.Errorf("%d of 50 are there", len(got))
	}
}

// A replica that accepts writes acknowledges notifications that it will
// discard. With osp_replicas, Write reports that.
func TestReplicasOfAReplica(t *testing.T) {
	server := testenv.StartRedis(t, "--replica-read-only", "no")
	replicaOfNone(t, bare(t, "redis://"+server.Addr()), server)
	s := open(t, "redis://"+server.Addr()+"?osp_replicas=1")
	err := s.Write(t.Context(), []osprofiler.Notification{event("A", 1)})
	var partial *store.WriteError
	if !errors.As(err, &partial) || len(partial.Missing) != 1 || !partial.Transient || !strings.Contains(err.Error(), "WAIT cannot be used with replica instances") {
		t.Errorf("the error is %+v", err)
	}
}

// WAIT counts the replicas of the server that receives WAIT. In a cluster or a
// ring, that may be another server than the one that received the batch.
func TestReplicasNeedOneServer(t *testing.T) {
	addr := testenv.StartRedis(t).Addr()
	ring := goredis.NewRing(&goredis.RingOptions{Addrs: map[string]string{"a": addr}})
	defer ring.Close()
	cluster := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: []string{addr}})
	defer cluster.Close()
	for name, client := range map[string]goredis.UniversalClient{"ring": ring, "cluster": cluster} {
		err := oredis.New(client, oredis.WithReplicas(1)).Write(t.Context(), []osprofiler.Notification{event("A", 1)})
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "osp_replicas") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// expiring deletes a list between the push and the setting of its time to live,
// as the server does when that time is over at that moment.
type expiring struct{ once bool }

func (*expiring) DialHook(next goredis.DialHook) goredis.DialHook          { return next }
func (*expiring) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (e *expiring) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		for i, cmd := range cmds {
			if cmd.Name() == "expire" && !e.once {
				e.once = true
				del := goredis.NewIntCmd(ctx, "del", cmd.Args()[1])
				return errors.Join(next(ctx, cmds[:i]), next(ctx, []goredis.Cmder{del}), next(ctx, cmds[i:]))
			}
		}
		return next(ctx, cmds)
	}
}

// A list that expires right after the push loses the push, too.
func TestListThatExpiresInAWrite(t *testing.T) {
	url := testenv.RedisDB(t)
	client := bare(t, url)
	client.AddHook(&expiring{})
	r := record(oredis.New(client, oredis.WithTTL(time.Hour)))
	write(t, open(t, url), event("A", 0))
	if err := (store.Retry{}).Write(t.Context(), r.Store, []osprofiler.Notification{event("A", 1), event("A", 2)}); err != nil {
		t.Fatal(err)
	}
	if r.count() != 1 || !r.said("expired") {
		t.Errorf("failed writes said %v", r.errors)
	}
	if got, _ := collect(t, r.Notifications(t.Context(), "A")); len(got) != 2 {
		t.Errorf("there are %v", got)
	}
}

// counting counts the pipelines of writes.
type counting struct{ pipelines int }

func (*counting) DialHook(next goredis.DialHook) goredis.DialHook          { return next }
func (*counting) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (c *counting) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if cmds[0].Name() == "lpush" { // not the pipelines that begin connections
			c.pipelines++
		}
		return next(ctx, cmds)
	}
}

// A batch that the server accepts is one pipeline, whether the batch is large
// or not.
func TestHealthyWriteIsOnePipeline(t *testing.T) {
	client, c := bare(t, testenv.RedisDB(t)), &counting{}
	client.AddHook(c)
	s := oredis.New(client, oredis.WithTTL(time.Hour), oredis.WithLegacy(false))
	batch := batchWith(2<<20, 3, 4, 10)
	write(t, s, batch...)
	if c.pipelines != 1 {
		t.Errorf("there were %d pipelines", c.pipelines)
	}
	checkStored(t, s, batch, nil)
}

// The answers to a write that was given up are not taken for the answers to the
// next write.
func TestAnswersOfAnotherWrite(t *testing.T) {
	proxy := testenv.NewProxy(t, testenv.StartRedis(t).Addr())
	s := open(t, "redis://"+proxy.Addr()+"?socket_timeout=3&max_connections=1&osp_legacy=no")
	if err := (store.Retry{Elapsed: time.Minute}).Write(t.Context(), s, []osprofiler.Notification{event("A", 0)}); err != nil {
		t.Fatal(err)
	}
	proxy.Blackhole(true)
	var partial *store.WriteError
	if err := s.Write(t.Context(), sample("A", 100)); !errors.As(err, &partial) || len(partial.Missing) != 100 || !partial.Transient {
		t.Fatalf("the error is %+v", err)
	}
	proxy.Blackhole(false)
	batch := batchWith(10)
	if err := (store.Retry{Elapsed: time.Minute}).Write(t.Context(), s, batch); err != nil {
		t.Fatal(err)
	}
	if got, _ := collect(t, s.Notifications(t.Context(), "B")); len(got) != 10 {
		t.Errorf("there are %v", got)
	}
}
