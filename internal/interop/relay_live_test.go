package interop

import (
	"bytes"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	liveWriters = 5  // processes of Python
	liveTraces  = 50 // of all of them
	livePhases  = 4  // of a test with faults
	// liveWait is how long a test waits for one step. The machine may be busy, and a
	// relay whose target was down waits up to 30 s.
	liveWait = 4 * time.Minute
)

//go:embed testdata/live.py
var liveScript string

// A liveCloud has the bus to which Python writes, and the targets of the relays.
type liveCloud struct {
	t       *testing.T
	python  string
	osp     string // the program
	dir     string
	bus     string // the connection string
	redis   *testenv.Server
	jaeger  *testenv.JaegerServer
	toOTLP  *testenv.Proxy
	patient bool // the relays wait for slow servers, and repeat no write
	all     []liveTrace
	writing sync.WaitGroup
}

// TestRelayLive lets Python write traces to RabbitMQ while relays forward them to Redis
// and Jaeger. Redis and Jaeger get all traces, also if relays, Redis and the broker are
// killed.
func TestRelayLive(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "osp")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/osp").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("one relay", func(t *testing.T) {
		t.Parallel()
		c := newLiveCloud(t, program, testenv.RabbitMQ(t))
		c.patient = true
		c.undisturbed(c.start("0"))
	})
	t.Run("two relays", func(t *testing.T) {
		t.Parallel()
		c := newLiveCloud(t, program, testenv.RabbitMQ(t))
		c.patient = true
		c.undisturbed(c.start("0"), c.start("1"))
	})
	t.Run("kills and restarts", func(t *testing.T) {
		t.Parallel()
		broker := testenv.StartRabbitMQ(t)
		newLiveCloud(t, program, broker.RabbitMQ()).disturbed(broker)
	})
}

func newLiveCloud(t *testing.T, program, bus string) *liveCloud {
	jaeger := testenv.Jaeger(t, testenv.Jaeger176)
	return &liveCloud{
		t: t, python: testenv.NewPython(t), osp: program, dir: t.TempDir(),
		bus:    with(bus, "amqp_durable_queues=true"),
		redis:  testenv.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always"),
		jaeger: jaeger, toOTLP: testenv.NewProxy(t, jaeger.OTLPGRPC), all: freshTraces(t),
	}
}

// redisURL returns the connection string of the target for Python.
func (c *liveCloud) redisURL() string { return "redis://" + c.redis.Addr() + "/0" }

// A liveRelay is osp forward --follow in a process of its own.
type liveRelay struct {
	*exec.Cmd
	log bytes.Buffer
}

// start starts a relay with a state folder of this name.
func (c *liveCloud) start(state string) *liveRelay {
	c.t.Helper()
	target, sink := with(c.redisURL(), "filter_error_trace=true"), "otlp+grpc://"+c.toOTLP.Addr()
	if c.patient {
		target, sink = with(target, "socket_timeout=100"), with(sink, "osp_timeout=100")
	}
	r := &liveRelay{Cmd: exec.Command(c.osp, "forward", "--follow", "--from", c.bus, "--listen", "none",
		"--to", target, "--to", sink, "--state", filepath.Join(c.dir, "state-"+state))}
	r.Stderr = &r.log
	if err := r.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = r.Process.Kill()
		_ = r.Wait() // may have been called before
		if c.t.Failed() {
			c.t.Logf("the log of relay %s:\n%s", state, r.log.String())
		}
	})
	return r
}

// kill ends the relay by SIGKILL.
func (r *liveRelay) kill(t *testing.T) {
	t.Helper()
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.Wait()
}

// undisturbed lets Python write while the relays run. Redis gets each notification once,
// and Jaeger gets each span once.
func (c *liveCloud) undisturbed(relays ...*liveRelay) {
	c.t.Helper()
	c.write(1)
	c.writing.Wait()
	c.finish(relays, true)
}

// disturbed lets Python write while two relays share the queue, and kills the relays, Redis
// and the broker one after another. Python's driver does not retry (retry=0) and drops the
// notifications that it cannot send. So no process writes while the broker is down.
func (c *liveCloud) disturbed(broker *testenv.Server) {
	c.t.Helper()
	relays := []*liveRelay{c.start("0"), c.start("1")}
	restart := func(i int) { relays[i] = c.start(strconv.Itoa(i)) }
	c.write(livePhases)
	c.awaitStored(1)
	relays[0].kill(c.t) // the other one goes on
	restart(0)

	c.awaitStored(liveTraces / 2)
	c.redis.Kill()
	c.toOTLP.Refuse(true)
	c.begin(1)
	c.awaitWritten(1)
	relays[0].kill(c.t)
	relays[1].kill(c.t)
	broker.Kill() // while it has messages that the relays have not acknowledged
	broker.Restart()
	restart(0)
	restart(1)

	c.redis.Restart()
	c.toOTLP.Refuse(false)
	c.begin(2)
	c.awaitWritten(2)
	relays[1].kill(c.t)
	broker.Kill() // while a relay reads
	broker.Restart()
	restart(1)
	c.begin(3)
	c.writing.Wait()
	c.finish(relays, false)
}

// finish waits until the relays have forwarded everything, stops them, and checks the
// content of Redis and Jaeger. If once is true, nothing may have arrived twice.
func (c *liveCloud) finish(relays []*liveRelay, once bool) {
	c.t.Helper()
	view := testenv.RabbitMQAPI(c.t, c.bus)
	c.until("the queue is empty", func() bool { return view.Queues()[queue].Messages == 0 })
	for i := range c.all {
		c.awaitInJaeger(&c.all[i])
	}
	for _, r := range relays {
		if err := r.Process.Signal(syscall.SIGTERM); err != nil {
			c.t.Fatal(err)
		}
		if err := r.Wait(); err != nil {
			c.t.Errorf("a relay that gets SIGTERM: %v", err)
		}
	}
	for i := range c.all {
		c.sameInJaeger(&c.all[i], once)
	}
	c.asPythonStores(once)
}

// until waits until a condition is true.
func (c *liveCloud) until(what string, holds func() bool) {
	c.t.Helper()
	for began := time.Now(); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > liveWait {
			c.t.Fatalf("not within %v: %s", liveWait, what)
		}
	}
}

// awaitStored waits until Redis has count traces. They may be incomplete.
func (c *liveCloud) awaitStored(count int) {
	c.t.Helper()
	s := openStore(c.t, c.redisURL(), store.WithReadOnly())
	c.until("Redis has "+strconv.Itoa(count)+" traces", func() bool {
		found := 0
		for _, err := range s.Traces(c.t.Context(), store.Query{}) {
			if err != nil {
				c.t.Fatal(err)
			}
			found++
		}
		return found >= count
	})
}

// write starts processes of Python that write all traces at the same time. With several
// phases, each phase but the first waits for begin.
func (c *liveCloud) write(phases int) {
	c.t.Helper()
	for w := range liveWriters {
		var part []trace
		for i := w; i < liveTraces; i += liveWriters {
			part = append(part, c.all[i].trace)
		}
		c.writing.Go(func() {
			askScript(c.t, c.python, liveScript, nil, listOf([]trace{interleaved(part)}), c.bus, strconv.Itoa(phases), filepath.Join(c.dir, "phase"), strconv.Itoa(w))
		})
	}
}

// begin lets the processes begin a phase.
func (c *liveCloud) begin(phase int) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "phase-"+strconv.Itoa(phase)), nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// awaitWritten waits until all processes have written a phase. They wait for the next one.
func (c *liveCloud) awaitWritten(phase int) {
	c.t.Helper()
	c.until("Python has written phase "+strconv.Itoa(phase), func() bool {
		done, err := filepath.Glob(filepath.Join(c.dir, "phase-"+strconv.Itoa(phase)+"-done-*"))
		return err == nil && len(done) == liveWriters
	})
}
