package messaging_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A history records the messages that were sent and those that the target received, in order.
type history struct {
	mu     sync.Mutex
	events []historyEvent
}

type historyEvent struct {
	At   time.Time `json:"at"`
	What string    `json:"what"` // sent, received, or a fault
	ID   string    `json:"id,omitempty"`
}

func (h *history) note(what string, ids ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(ids) == 0 {
		ids = []string{""}
	}
	for _, id := range ids {
		h.events = append(h.events, historyEvent{time.Now(), what, id})
	}
}

// count returns how often each id was sent or received.
func (h *history) count(what string) map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := map[string]int{}
	for _, e := range h.events {
		if e.What == what {
			ids[e.ID]++
		}
	}
	return ids
}

// keep writes the history into a file that outlives the test.
func (h *history) keep(t *testing.T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := os.CreateTemp("", "osp-bus-history-*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	out := json.NewEncoder(f)
	for _, e := range h.events {
		err = errors.Join(err, out.Encode(e))
	}
	t.Logf("the history is in %s: %v", f.Name(), errors.Join(err, f.Close()))
}

// A witness is a wrapper that records what is written.
type witness struct {
	driver.Driver
	history *history
}

func (w *witness) Unwrap() driver.Driver { return w.Driver }

func (w *witness) Write(ctx context.Context, batch []osprofiler.Notification) error {
	inner, ok := driver.As[driver.Writer](w.Driver)
	if !ok {
		return errors.ErrUnsupported
	}
	time.Sleep(500 * time.Millisecond) // so that the broker fails while messages are not acknowledged
	err := inner.Write(ctx, batch)
	if err == nil {
		for i := range batch {
			w.history.note("received", batch[i].TraceID+" "+batch[i].Name)
		}
	}
	return err
}

const fillBatch = 500

// fill writes notifications to the bus and records them.
func fill(t *testing.T, bus *store.Store, h *history, count int) {
	t.Helper()
	for first := 0; first < count; first += fillBatch {
		if err := bus.Write(t.Context(), h.send(first)); err != nil {
			t.Fatal(err)
		}
	}
}

// fillAgain is fill for a bus that fails, and for the notifications from first on. It repeats
// notifications that may not be stored. Before the last batch, it waits for last.
func fillAgain(ctx context.Context, t *testing.T, bus *store.Store, h *history, first, count int, last <-chan struct{}) {
	for ; first < count; first += fillBatch {
		if first+fillBatch >= count {
			select {
			case <-last:
			case <-ctx.Done():
			}
		}
		batch := h.send(first)
		for err := bus.Write(ctx, batch); err != nil; err = bus.Write(ctx, batch) {
			switch h.note("reported"); {
			case ctx.Err() != nil: // all notifications have arrived, although the broker did not confirm them
				return
			case !store.IsTransient(err):
				t.Errorf("writing: %v", err)
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// send returns a batch that is about to be written.
func (h *history) send(first int) (batch []osprofiler.Notification) {
	base := osprofiler.NewID()
	for i := first; i < first+fillBatch; i++ {
		n := osprofiler.Notification{
			Name: "op-start", BaseID: base, TraceID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), ParentID: base,
			Timestamp: osprofiler.FormatTime(time.Unix(int64(i), 0)), Info: osprofiler.Info(`{"host": "h"}`),
		}
		batch = append(batch, n)
		h.note("sent", n.TraceID+" "+n.Name)
	}
	return batch
}

// A relay takes everything from the bus, while the broker fails in each way and a service
// writes. Nothing is lost. Notifications that come twice have the same ids, and the target
// keeps them once.
func TestRelayFromFailingRabbitMQ(t *testing.T) {
	const count = 6000
	for name, options := range map[string]string{"classic": "", "quorum": "&rabbit_quorum_queue=yes&rabbit_quorum_delivery_limit=-1", "own": "&osp_queue=osp"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.StartRabbitMQ(t)
			proxy := testenv.NewProxy(t, server.Addr())
			h := &history{}
			defer func() {
				if t.Failed() {
					h.keep(t)
				}
			}()
			bus := openStore(t, server.RabbitMQ()+rabbitOptions+options)
			mustPing(t, bus)
			from := openStore(t, server.RabbitMQAt(proxy.Addr())+rabbitOptions+options)
			if name == "own" {
				drained(t, server.RabbitMQ()+rabbitOptions+options) // declares the queue
			}
			fill(t, openStore(t, patient(server.RabbitMQ()+rabbitOptions+options)), h, count/2)
			file := "sqlite:///" + filepath.Join(t.TempDir(), "target.db")
			to := openStore(t, file).Wrap(func(d driver.Driver) driver.Driver { return &witness{d, h} })
			ctx, stop := context.WithCancel(t.Context())
			failed := make(chan struct{}) // closed when the broker has failed in each way
			var beside sync.WaitGroup
			beside.Go(func() { failAgain(ctx, h, server, proxy, sync.OnceFunc(func() { close(failed) })) })
			beside.Go(func() { fillAgain(ctx, t, bus, h, count/2, count, failed) })
			relayAll(t, from, to, h, count)
			stop()
			beside.Wait()
			checkHistory(t, h, count)
			if left := len(testenv.RabbitMQAPI(t, server.RabbitMQ()).Take(map[bool]string{true: "osp", false: "profiler.info"}[name == "own"])); left > 0 {
				t.Logf("%d messages were left on the bus, which the next relay takes again", left)
			}
		})
	}
}

// failAgain makes the broker fail until the context ends. It calls failed when the broker has
// failed in each way.
func failAgain(ctx context.Context, h *history, server *testenv.Server, proxy *testenv.Proxy, failed func()) {
	for i := 0; ; i++ {
		faults := []struct {
			name  string
			cause func()
		}{
			{"cut", func() { proxy.CutAnswersAfter(int64(i+1) * 77_777 % 400_000) }},
			{"closed", func() { server.CloseConnections("maintenance") }},
			{"killed", func() { server.Kill(); server.Restart() }},
			{"cut", func() { proxy.CutAfter(int64(i+1) * 37 % 1000) }},
			{"halted", func() { server.Stop(); time.Sleep(3 * time.Second); server.Continue() }},
			{"memory alarm", func() { server.RaiseMemoryAlarm(); time.Sleep(time.Second); server.ClearMemoryAlarm() }},
			{"disk alarm", func() { server.RaiseDiskAlarm(); time.Sleep(time.Second); server.ClearDiskAlarm() }},
		}
		if i == len(faults) {
			failed()
		}
		fault := faults[i%len(faults)]
		h.note(fault.name)
		fault.cause()
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// relayAll relays until the target has everything.
func relayAll(t *testing.T, from, to *store.Store, h *history, count int) {
	t.Helper()
	for began := time.Now(); len(h.count("received")) < count; {
		source, target := relay.FromConsumer(from), relay.ToStore(to)
		_, err := relay.Copy(t.Context(), source, []relay.Target{target})
		if err = errors.Join(err, target.Close()); err != nil {
			t.Logf("the relay ended: %v", err)
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
		if time.Since(began) > 10*time.Minute {
			t.Errorf("%d of %d came in ten minutes", len(h.count("received")), count)
			return
		}
	}
}

func checkHistory(t *testing.T, h *history, count int) {
	t.Helper()
	sent, received := h.count("sent"), h.count("received")
	for id, n := range sent {
		if n > 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
	twice := 0
	for id, n := range received {
		if sent[id] == 0 {
			t.Errorf("%s was received and not sent", id)
		}
		twice += n - 1
	}
	if len(sent) != count || len(received) != count {
		t.Errorf("%d were sent, %d received", len(sent), len(received))
	}
	faults := map[string]int{}
	for _, e := range h.events {
		if e.ID == "" {
			faults[e.What]++
		}
	}
	t.Logf("%d were sent, %d received, %d more often than once; faults: %v", len(sent), len(received), twice, faults)
}

// The context ends while the target writes. Written messages are acknowledged nevertheless,
// and the connection stays open until the rest is given back. Otherwise, on a quorum queue,
// each message would count as delivered once more.
func TestAcknowledgeAfterTheContext(t *testing.T) {
	for name, options := range map[string]string{"classic": "", "quorum": "&rabbit_quorum_queue=yes&rabbit_quorum_delivery_limit=3"} {
		t.Run(name, func(t *testing.T) {
			at := testenv.RabbitMQ(t)
			h := &history{}
			bus := openStore(t, patient(at+rabbitOptions+options))
			fill(t, bus, h, 1500)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			to := openStore(t, "sqlite:///"+filepath.Join(t.TempDir(), "target.db")).Wrap(func(d driver.Driver) driver.Driver {
				return &ending{&witness{d, h}, cancel}
			})
			source, target := relay.FromConsumer(bus), relay.ToStore(to)
			if _, err := relay.Copy(ctx, source, []relay.Target{target}); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
			if err := errors.Join(source.Close(), target.Close()); err != nil {
				t.Error(err)
			}
			written := len(h.count("received"))
			q := testenv.RabbitMQAPI(t, at).AwaitQueue("profiler.info", func(q testenv.RabbitMQQueue) bool { return q.Ready == 1500-written && q.Unacknowledged == 0 })
			if written == 0 {
				t.Errorf("nothing was written; %+v", q)
			}
		})
	}
}

// An ending ends a context after the first batch.
type ending struct {
	*witness
	end context.CancelFunc
}

func (e *ending) Write(ctx context.Context, batch []osprofiler.Notification) error {
	err := e.witness.Write(context.WithoutCancel(ctx), batch)
	e.end()
	return err
}
