package redis_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A state is a state into which a real server can be brought and which it can
// leave again.
type state struct {
	name   string
	reply  string // the reply in the errors of writes
	args   []string
	option string // an option of the connection string
	enter  func(t *testing.T, admin *goredis.Client, server *testenv.Server) (leave func())
}

// do sends a command and fails the test if the command fails.
func do(t *testing.T, client *goredis.Client, words ...any) {
	t.Helper()
	if err := client.Do(context.Background(), words...).Err(); err != nil {
		t.Errorf("%v: %v", words, err)
	}
}

// setting returns the function that brings about a state by a setting.
func setting(name, on, off string) func(*testing.T, *goredis.Client, *testenv.Server) func() {
	return func(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
		do(t, admin, "CONFIG", "SET", name, on)
		return func() { do(t, admin, "CONFIG", "SET", name, off) }
	}
}

// replicaOfNone makes the server the replica of a master that is gone.
func replicaOfNone(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
	host, port := "127.0.0.1", "1" // nobody listens there
	do(t, admin, "REPLICAOF", host, port)
	return func() { do(t, admin, "REPLICAOF", "NO", "ONE") }
}

// loading makes the server load 500 keys, each of which takes it 10 ms.
func loading(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
	do(t, admin, "DEBUG", "POPULATE", 500, "key", 1000)
	do(t, admin, "CONFIG", "SET", "key-load-delay", "10000", "loading-process-events-interval-bytes", "1024")
	var reload sync.WaitGroup
	reload.Go(func() {
		conn := bare(t, "redis://"+admin.Options().Addr+"?read_timeout=60s")
		do(t, conn, "DEBUG", "RELOAD")
	})
	awaitReply(t, admin, "LOADING")
	return reload.Wait
}

// awaitReply waits until a command is refused with this reply.
func awaitReply(t *testing.T, client *goredis.Client, reply string) {
	t.Helper()
	for range 1000 {
		if err := client.LLen(context.Background(), "key").Err(); err != nil && strings.HasPrefix(err.Error(), reply) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the server never answered %s", reply)
}

func busy(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
	var script sync.WaitGroup
	script.Go(func() {
		conn := bare(t, "redis://"+admin.Options().Addr+"?read_timeout=60s")
		_ = conn.Eval(context.Background(), "while true do end", nil).Err() // the script is killed
	})
	awaitReply(t, admin, "BUSY")
	return func() {
		do(t, admin, "SCRIPT", "KILL")
		script.Wait()
	}
}

// unsaved makes a snapshot fail by removing the folder of the snapshot.
func unsaved(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
	gone, there := filepath.Join(t.TempDir(), "gone"), t.TempDir()
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	do(t, admin, "CONFIG", "SET", "dir", gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	do(t, admin, "BGSAVE")
	awaitSave(t, admin, "err")
	return func() {
		do(t, admin, "CONFIG", "SET", "dir", there)
		do(t, admin, "BGSAVE")
		awaitSave(t, admin, "ok")
	}
}

func awaitSave(t *testing.T, admin *goredis.Client, status string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(admin.Info(context.Background(), "persistence").Val(), "rdb_last_bgsave_status:"+status) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no snapshot ended with %s", status)
}

// full uses up all connections except the administrator's.
func full(t *testing.T, admin *goredis.Client, server *testenv.Server) func() {
	var conns []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	for range 1000 {
		if strings.Contains(admin.Info(context.Background(), "clients").Val(), "connected_clients:4") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// unserved takes the slots from the only node of a cluster.
func unserved(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
	do(t, admin, "CLUSTER", "DELSLOTSRANGE", 0, 16383)
	awaitCluster(t, admin, "fail")
	return func() { do(t, admin, "CLUSTER", "ADDSLOTSRANGE", 0, 16383) }
}

func awaitCluster(t *testing.T, admin *goredis.Client, state string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(admin.ClusterInfo(context.Background()).Val(), "cluster_state:"+state) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the cluster's state did not become %s", state)
}

func paused(t *testing.T, admin *goredis.Client, _ *testenv.Server) func() {
	do(t, admin, "CLIENT", "PAUSE", 60_000, "WRITE")
	return func() { do(t, admin, "CLIENT", "UNPAUSE") }
}

func shutDown(t *testing.T, admin *goredis.Client, server *testenv.Server) func() {
	if err := admin.Shutdown(context.Background()).Err(); err != nil && server.Alive() {
		t.Errorf("it does not shut down: %v", err)
	}
	return server.Restart
}

var states = []state{
	{"LOADING", "LOADING", []string{"--enable-debug-command", "yes"}, "", loading},
	{"READONLY", "READONLY", nil, "", replicaOfNone},
	{"MASTERDOWN", "MASTERDOWN", []string{"--replica-read-only", "no", "--replica-serve-stale-data", "no"}, "", replicaOfNone},
	{"BUSY", "BUSY", []string{"--lua-time-limit", "50"}, "", busy},
	{"NOREPLICAS", "NOREPLICAS", nil, "", setting("min-replicas-to-write", "1", "0")},
	{"OOM", "OOM", nil, "", setting("maxmemory", "1", "0")},
	{"MISCONF", "MISCONF", []string{"--save", "3600 1", "--enable-protected-configs", "yes"}, "", unsaved},
	{"max number of clients", "ERR max number of clients reached", []string{"--maxclients", "4"}, "", full},
	{"CLUSTERDOWN", "CLUSTERDOWN", []string{"--cluster-enabled", "yes"}, "&osp_cluster=yes", unserved},
	{"CLUSTERDOWN for a client of one node", "CLUSTERDOWN", []string{"--cluster-enabled", "yes"}, "", unserved},
	{"paused clients", "did not answer within the socket_timeout", nil, "&socket_timeout=0.5", paused},
	{"shut down", "cannot connect to Redis", []string{"--appendonly", "yes"}, "", shutDown},
}

// A recorder is a store that keeps the errors of its writes.
type recorder struct {
	*store.Store

	mu     sync.Mutex
	errors []error
}

// record returns a recorder around a store.
func record(s *store.Store) *recorder {
	r := &recorder{}
	r.Store = store.New(recordingDriver{s.Driver(), r})
	return r
}

// A recordingDriver is the driver of a recorder.
type recordingDriver struct {
	driver.Driver

	recorder *recorder
}

// Unwrap implements driver.Wrapper.
func (d recordingDriver) Unwrap() driver.Driver { return d.Driver }

// Write implements driver.Writer.
func (d recordingDriver) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w, _ := driver.As[driver.Writer](d.Driver)
	err := w.Write(ctx, batch)
	if err != nil {
		d.recorder.mu.Lock()
		defer d.recorder.mu.Unlock()
		d.recorder.errors = append(d.recorder.errors, err)
	}
	return err
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.errors)
}

// said reports whether the error of a write contained this text.
func (r *recorder) said(text string) bool {
	for _, err := range r.errors {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// Nothing is lost in a state that passes: everything that is written meanwhile
// is stored when the state is over.
func TestStatesThatPass(t *testing.T) {
	for _, st := range states {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			server := startIn(t, st)
			admin := bare(t, "redis://"+server.Addr()+"?pool_size=1&protocol=2")
			do(t, admin, "PING")
			leave := st.enter(t, admin, server)
			r := record(open(t, "redis://"+server.Addr()+"?osp_legacy=no&max_connections=1"+st.option))
			writeMeanwhile(t, r, leave)
			if !r.said(st.reply) {
				t.Errorf("no failed write said %q, but %v", st.reply, r.errors)
			}
			if got, _ := collect(t, r.Notifications(t.Context(), "A")); len(got) != 200 {
				t.Errorf("%d of 200 are there", len(got))
			}
		})
	}
}

// startIn starts a server that can be brought into the state.
func startIn(t *testing.T, st state) *testenv.Server {
	t.Helper()
	args := st.args
	if len(args) > 0 && args[0] == "--cluster-enabled" {
		args = append(args, "--cluster-port", portOf(freeAddress(t)))
	}
	server := testenv.StartRedis(t, args...)
	if len(args) != len(st.args) {
		admin := bare(t, "redis://"+server.Addr())
		do(t, admin, "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
		awaitCluster(t, admin, "ok")
	}
	return server
}

// writeMeanwhile writes 200 notifications of the trace A, beginning in the
// state that leave ends.
func writeMeanwhile(t *testing.T, r *recorder, leave func()) {
	t.Helper()
	var group sync.WaitGroup
	for b := range 4 {
		batch := sample("A", 50)
		group.Go(func() {
			if err := (store.Retry{Elapsed: 2 * time.Minute, Max: time.Second}).Write(context.Background(), r.Store, batch); err != nil {
				t.Errorf("batch %d: %v", b, err)
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); r.count() < 4 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Second) // the minimum duration of the state
	leave()
	group.Wait()
}
