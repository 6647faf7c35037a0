package messaging_test

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The messages of a queue that is not durable do not survive a restart of the broker.
const rabbitOptions = "?amqp_durable_queues=yes&osp_timeout=2&idle_timeout=1"

// patient returns a connection string with a long timeout for answers, for calls that no fault
// disturbs. On a busy machine, an answer may take more than two seconds.
func patient(bus string) string { return strings.Replace(bus, "osp_timeout=2", "osp_timeout=60", 1) }

// mustPing connects and declares. On a cluster this may need some attempts.
func mustPing(t testing.TB, s *store.Store) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := s.Ping(t.Context())
		if err == nil {
			return
		}
		if !store.IsTransient(err) || time.Since(began) > 2*time.Minute {
			t.Fatal(err)
		}
	}
}

// drained moves everything from the bus into an SQLite file, and returns its connection
// string. Looking for each trace on the bus would read the whole bus for each trace.
func drained(t testing.TB, bus string) string {
	t.Helper()
	file := "sqlite:///" + filepath.Join(t.TempDir(), "drained.db")
	from, to := openStore(t, patient(bus)), openStore(t, file)
	source, target := relay.FromConsumer(from), relay.ToStore(to)
	_, err := relay.Copy(t.Context(), source, []relay.Target{target})
	if err = errors.Join(err, source.Close(), target.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

func openStore(t testing.TB, connectionString string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func atRabbitMQ(server *testenv.Server, addr string) string {
	return server.RabbitMQAt(addr) + rabbitOptions
}

func TestRabbitMQFaults(t *testing.T) {
	t.Parallel()
	faults.Server{
		Start:   func(t testing.TB, d testenv.Disk) *testenv.Server { return testenv.StartRabbitMQOn(t, d) },
		At:      atRabbitMQ,
		Reading: func(server *testenv.Server, addr string) string { return drained(t, atRabbitMQ(server, addr)) },
		Spans:   4000,
	}.Test(t)
}

// The disk becomes full before the broker has noticed that space is low, which would raise the
// alarm. The broker continues, but its queue does not until the broker is restarted.
func TestRabbitMQDiskFull(t *testing.T) {
	t.Parallel()
	d := testenv.NewDisk(t, "192m")
	server := testenv.StartRabbitMQOn(t, d)
	at := atRabbitMQ(server, server.Addr())
	r := faults.Export{Store: openStore(t, at), Spans: 4000, Hold: true}.Run(t, func(p *faults.Progress) {
		d.Fill()
		p.Resume()
		p.AwaitFailures(4)
		d.Free()
		server.Kill()
		server.Restart()
	})
	r.Check(t, openStore(t, drained(t, at)))
	r.CheckNothingLost(t)
}

// An alarm for three seconds causes no loss.
func TestRabbitMQAlarms(t *testing.T) {
	server := testenv.StartRabbitMQ(t)
	for name, alarm := range map[string]struct{ raise, clear func() }{
		"memory": {server.RaiseMemoryAlarm, server.ClearMemoryAlarm}, "disk": {server.RaiseDiskAlarm, server.ClearDiskAlarm},
	} {
		t.Run(name, func(t *testing.T) {
			faults.Passing{
				Store:  openStore(t, server.RabbitMQ()+rabbitOptions),
				Direct: func() *store.Store { return openStore(t, drained(t, server.RabbitMQ()+rabbitOptions)) },
				Enter:  func(*testing.T) { alarm.raise() },
				Leave:  func(*testing.T) { alarm.clear() },
				Longer: 2 * time.Minute,
			}.Test(t)
		})
	}
}

// The leader of a quorum queue or of a mirrored queue is lost. Another node takes over.
func TestRabbitMQLeaderLost(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRabbitMQCluster(t)
	testenv.RabbitMQAPI(t, cluster.URL).SetPolicy("mirrored", "^mirrored", map[string]any{
		"ha-mode": "all", "ha-sync-mode": "automatic", "ha-promote-on-failure": "always",
	})
	for round, kind := range []struct{ topic, options string }{
		{"quorum", "&rabbit_quorum_queue=yes&rabbit_quorum_delivery_limit=-1"}, {"mirrored", "&rabbit_ha_queues=yes"},
	} {
		t.Run(kind.topic, func(t *testing.T) {
			at := cluster.URL + rabbitOptions + kind.options + "&topics=" + kind.topic
			s := openStore(t, at)
			mustPing(t, s) // declares the queue
			if kind.topic == "mirrored" {
				awaitMirrors(t, cluster.URL, kind.topic+".info")
			}
			e := faults.Export{Store: s, Spans: 4000, Round: round, Hold: true}
			r := e.Run(t, func(p *faults.Progress) {
				leader := cluster.Leader(kind.topic + ".info")
				p.Resume()
				leader.Kill()
				p.Pause(3 * time.Second)
				leader.Restart()
			})
			r.Check(t, openStore(t, drained(t, at)))
			r.CheckNothingLost(t)
			relayWhileLeaderIsLost(t, cluster, at, kind.topic+".info")
		})
	}
	t.Run("read without its node", func(t *testing.T) {
		s := openStore(t, cluster.URL+rabbitOptions+"&topics=single")
		mustPing(t, s) // declares the queue
		cluster.Leader("single.info").Kill()
		var err error
		for _, err = range s.Traces(t.Context(), store.Query{}) {
		}
		if err == nil || !store.IsTransient(err) || !strings.Contains(err.Error(), "is down or inaccessible") {
			t.Errorf("the queue is not empty, but its node is down; the error is %v", err)
		}
	})
}

// relayWhileLeaderIsLost relays from a queue whose leader is lost when some messages have
// arrived.
func relayWhileLeaderIsLost(t *testing.T, cluster *testenv.RabbitMQCluster, at, queue string) {
	t.Helper()
	const count = 4000
	h := &history{}
	defer func() {
		if t.Failed() {
			h.keep(t)
		}
	}()
	if strings.HasPrefix(queue, "mirrored") {
		awaitMirrors(t, cluster.URL, queue)
	}
	lost := make(chan struct{})
	close(lost)
	fillAgain(t.Context(), t, openStore(t, at), h, 0, count, lost)
	to := openStore(t, "sqlite:///"+filepath.Join(t.TempDir(), "target.db")).Wrap(func(d driver.Driver) driver.Driver { return &witness{d, h} })
	relayed := make(chan struct{})
	var losing sync.WaitGroup
	losing.Go(func() {
		for len(h.count("received")) == 0 {
			select {
			case <-relayed:
				t.Error("everything was relayed before the leader was lost")
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		leader := cluster.Leader(queue)
		h.note("leader lost")
		leader.Kill()
		leader.Restart()
	})
	relayAll(t, openStore(t, at), to, h, count)
	close(relayed)
	losing.Wait()
	checkHistory(t, h, count)
}

// awaitMirrors waits until both other nodes have the queue.
func awaitMirrors(t *testing.T, location, queue string) {
	t.Helper()
	var q struct {
		Mirrors []string `json:"synchronised_slave_nodes"`
	}
	for began := time.Now(); len(q.Mirrors) < 2; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("the queue has the mirrors %q", q.Mirrors)
		}
		testenv.RabbitMQAPI(t, location).Do("GET", "/api/queues/%2F/"+url.PathEscape(queue), nil, &q)
	}
}
