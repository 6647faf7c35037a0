package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"

	_ "github.com/osprofiler-otel/osprofiler/exporter/messaging"
	_ "github.com/osprofiler-otel/osprofiler/exporter/redis"
)

// The environment variables of a relay process; see TestRelayProcess.
const (
	childFrom  = "RELAY_TEST_FROM"
	childTo    = "RELAY_TEST_TO"
	childSpans = "RELAY_TEST_SPANS"
	childState = "RELAY_TEST_STATE"
)

// TestRelayProcess is not a test. It is the relay that other tests start and kill. It moves
// messages from a bus, or follows a store, to a store. It also gives spans to the exporter of
// another store.
func TestRelayProcess(t *testing.T) {
	if os.Getenv(childFrom) == "" {
		return
	}
	if err := relayProcess(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func relayProcess() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	from, err := store.Open(ctx, os.Getenv(childFrom))
	if err != nil {
		return err
	}
	to, err := store.Open(ctx, os.Getenv(childTo))
	if err != nil {
		return err
	}
	spans, err := exporter.Open(ctx, os.Getenv(childSpans))
	if err != nil {
		return err
	}
	state, err := relay.OpenState(os.Getenv(childState))
	if err != nil {
		return err
	}
	if err := os.WriteFile(os.Getenv(childState)+".started", nil, 0o600); err != nil {
		return err
	}
	source := relay.FromConsumer(from)
	if from.Capabilities().Feed {
		source = relay.FromFeed(from, "", nil)
	}
	sink := relay.ToExporter(spans, relay.WithTargetName("spans"))
	stats, err := relay.Follow(ctx, []relay.Source{source}, []relay.Target{relay.ToStore(to), sink}, relay.WithState(state),
		relay.WithPollInterval(20*time.Millisecond), relay.WithWarning(func(err error) { fmt.Fprintln(os.Stderr, "warning:", err) }))
	fmt.Fprintf(os.Stderr, "%+v\n", stats)
	return err
}

// A relayProcessOf is a relay that runs in a process of its own.
type relayProcessOf struct {
	t       testing.TB
	cmd     *exec.Cmd
	started string // the file that the process writes when it can be stopped
	output  bytes.Buffer
}

func startRelay(t testing.TB, from, to, spans, state string) *relayProcessOf {
	t.Helper()
	p := &relayProcessOf{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestRelayProcess$"), started: state + ".started"}
	_ = os.Remove(p.started) // there may be none
	p.cmd.Env = append(os.Environ(), childFrom+"="+from, childTo+"="+to, childSpans+"="+spans, childState+"="+state)
	p.cmd.Stderr = &p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *relayProcessOf) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatalf("the relay has ended: %v\n%s", err, p.output.String())
	}
	_ = p.cmd.Wait() // it was killed
}

// stop stops the relay by SIGTERM. The relay has to finish what was read.
func (p *relayProcessOf) stop() {
	p.t.Helper()
	eventually(p.t, "the relay has started", func() bool {
		_, err := os.Stat(p.started)
		return err == nil
	})
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the relay ended with %v\n%s", err, p.output.String())
	}
}

// writers write traces at the same time. They write the stops of each trace a while after its
// starts. They try again until the store or bus accepts the notifications.
func writers(t testing.TB, connectionString string, first, traces, each int) (wait func(), written *atomic.Int64) {
	t.Helper()
	const count = 5
	var all sync.WaitGroup
	written = &atomic.Int64{}
	for w := range count {
		s := openStore(t, connectionString)
		all.Go(func() {
			for trace := first + w; trace < first+traces; trace += count {
				all := operations(trace, each)
				for _, part := range [][]osprofiler.Notification{all[:each], all[each:]} {
					for s.Write(context.Background(), part) != nil {
						time.Sleep(50 * time.Millisecond)
					}
					written.Add(int64(len(part)))
					time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
				}
			}
		})
	}
	return all.Wait, written
}

// compareTraces checks that a store has exactly these traces, as they were written. It
// returns how many notifications the store has more than once.
func compareTraces(t testing.TB, s *store.Store, first, traces, each int, equal func(a, b osprofiler.Notification) bool) (twice int) {
	t.Helper()
	for trace := first; trace < first+traces; trace++ {
		want := operations(trace, each)
		found := make([]int, len(want))
		for n, err := range s.Notifications(t.Context(), want[0].BaseID, store.KeepDuplicates()) {
			if err != nil {
				t.Errorf("%s: trace %d: %v", s.Name(), trace, err)
				break
			}
			known := false
			for i := range want {
				if equal(want[i], n) {
					found[i]++
					known = true
				}
			}
			if !known {
				t.Errorf("%s: trace %d has the unknown notification %s", s.Name(), trace, n.JSON())
			}
		}
		for i, times := range found {
			if times == 0 {
				t.Errorf("%s: trace %d lacks %s", s.Name(), trace, want[i].JSON())
			} else if times > 1 {
				twice += times - 1
			}
		}
	}
	return twice
}

func equalNotifications(a, b osprofiler.Notification) bool { return a.Equal(b) }

// testKills kills relays while traces are written.
func testKills(t *testing.T, from, to, spans string, isEmpty func() bool) {
	const traces, each = 50, 10
	dir := t.TempDir()
	target, sink := openStore(t, to), openStore(t, spans)
	p := startRelay(t, from, to, spans, filepath.Join(dir, "state"))
	wait, written := writers(t, from, 1, traces, each)
	for kills := 0; written.Load() < 2*traces*each || kills < 4; kills++ {
		time.Sleep(time.Duration(300+rand.IntN(700)) * time.Millisecond)
		p.kill()
		p = startRelay(t, from, to, spans, filepath.Join(dir, "state"))
	}
	wait()
	eventually(t, "the source is empty", isEmpty)
	p.stop()
	if twice := compareTraces(t, target, 1, traces, each, equalNotifications); twice > 0 {
		t.Errorf("the store has %d notifications twice", twice)
	}
	twice := compareTraces(t, sink, 1, traces, each, equalNotifications)
	t.Logf("the sink got %d halves of spans again", twice)
	if strings.Contains(p.output.String(), "warning") {
		t.Logf("the last relay said:\n%s", p.output.String())
	}
}

func TestRelaysAreKilledAtAFile(t *testing.T) {
	dir := t.TempDir()
	from := "file://" + filepath.Join(dir, "from.jsonl")
	to := "sqlite:///" + filepath.Join(dir, "to.db")
	spans := "sqlite:///" + filepath.Join(dir, "spans.db")
	testKills(t, from, to, spans, func() bool { return countTraces(t, to, 1, 50) >= 1000 && countTraces(t, spans, 1, 50) >= 1000 })
}

func TestRelaysAreKilledAtRabbitMQ(t *testing.T) {
	dir := t.TempDir()
	from, to := testenv.RabbitMQ(t)+"?amqp_durable_queues=true", testenv.RedisDB(t)
	bus := openStore(t, from)
	if err := bus.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := "sqlite:///" + filepath.Join(dir, "spans.db")
	testKills(t, from, to, spans, func() bool { return countTraces(t, to, 1, 50) >= 1000 && countTraces(t, spans, 1, 50) >= 1000 })
}

// countTraces counts the notifications of traces, without duplicates.
func countTraces(t testing.TB, connectionString string, first, traces int) (n int) {
	t.Helper()
	s := openStore(t, connectionString)
	defer s.Close()
	for trace := first; trace < first+traces; trace++ {
		for _, err := range s.Notifications(t.Context(), operations(trace, 1)[0].BaseID) {
			if err == nil {
				n++
			}
		}
	}
	return n
}

// Two relays share a queue, so that the halves of an operation reach different relays.
// Meanwhile one of them is killed, and the broker and the store restart.
func TestTwoRelaysShareAQueueWhoseServersRestart(t *testing.T) {
	broker, redis := testenv.StartRabbitMQ(t), testenv.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	dir := t.TempDir()
	from := broker.RabbitMQ() + "?amqp_durable_queues=true"
	to := "redis://" + redis.Addr() + "/0"
	spans := "sqlite:///" + filepath.Join(dir, "spans.db")
	if err := openStore(t, from).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := startRelay(t, from, to, spans, filepath.Join(dir, "one"))
	two := startRelay(t, from, to, spans, filepath.Join(dir, "two"))
	const traces, each = 50, 10
	wait, _ := writers(t, from, 1, traces, each)
	time.Sleep(500 * time.Millisecond)
	redis.Restart()
	two.kill()
	two = startRelay(t, from, to, spans, filepath.Join(dir, "two"))
	broker.Restart()
	wait()
	eventually(t, "the sink has all spans", func() bool { return countTraces(t, spans, 1, traces) >= 2*traces*each })
	eventually(t, "the store has all", func() bool { return countTraces(t, to, 1, traces) >= 2*traces*each })
	one.stop()
	two.stop()
	compareTraces(t, openStore(t, spans), 1, traces, each, equalNotifications)
	twice := compareTraces(t, openStore(t, to), 1, traces, each, equalNotifications)
	t.Logf("the store has %d notifications twice", twice)
	for _, p := range []*relayProcessOf{one, two} {
		if said := p.output.String(); !strings.Contains(said, " Incomplete:0 ") {
			t.Errorf("a relay exported incomplete spans:\n%s", said)
		} else if testing.Verbose() {
			t.Log(said)
		}
	}
}
