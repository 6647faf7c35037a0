package kafka

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// A history records the outcome of each message while brokers fail. It is written into a file
// if the check fails.
type history struct {
	mu     sync.Mutex
	began  time.Time
	events []event
	sent   map[int]string // "confirmed" or "reported": the outcome of the last Publish
	got    map[int]int    // how often a message was received
}

// An event is a line of the file.
type event struct {
	At      time.Duration `json:"at"`
	What    string        `json:"what"`
	Who     int           `json:"who"`
	Numbers []int         `json:"numbers,omitempty"`
	Error   string        `json:"error,omitempty"`
}

func newHistory() *history {
	return &history{began: time.Now(), sent: map[int]string{}, got: map[int]int{}}
}

func (h *history) note(what string, who int, err error, numbers ...int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := event{At: time.Since(h.began), What: what, Who: who, Numbers: numbers}
	if err != nil {
		e.Error = err.Error()
	}
	h.events = append(h.events, e)
	for _, number := range numbers {
		switch what {
		case "confirmed", "reported":
			h.sent[number] = what
		case "received":
			h.got[number]++
		}
	}
}

// check checks that each confirmed message was received, and that only sent messages were
// received.
func (h *history) check(t *testing.T, count int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	confirmed, lost, twice := 0, 0, 0
	for number := range count {
		switch h.sent[number] {
		case "":
			t.Errorf("message %d was neither confirmed nor reported", number)
		case "confirmed":
			confirmed++
			if h.got[number] == 0 {
				lost++
			}
		}
	}
	for number, times := range h.got {
		if times > 1 {
			twice++
		}
		if number < 0 || number >= count {
			t.Errorf("message %d was received and never sent", number)
		}
	}
	if lost > 0 {
		t.Errorf("%d confirmed messages were not received", lost)
	}
	t.Logf("%d of %d messages were confirmed, %d received, %d of them more than once", confirmed, count, len(h.got), twice)
	if t.Failed() {
		h.keep(t)
	}
}

// keep writes the history into a file.
func (h *history) keep(t *testing.T) {
	f, err := os.CreateTemp("", "osp-kafka-history-*.jsonl")
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, e := range h.events {
		_ = json.NewEncoder(w).Encode(e)
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	t.Logf("the history is in %s", f.Name())
}

// A trial sends messages with several writers, and receives them with several members
// of one group, while cause makes brokers fail.
type trial struct {
	writing  func() *cluster // returns a bus to publish with
	reading  func() *cluster // returns a bus to consume with
	messages int
	handed   chan struct{} // closed when all messages are handed to the writers
}

const trialWriters, trialBatch = 3, 50

// trialLasts is the longest duration of a trial. On a busy machine, a broker takes long to
// restart, and a group takes long to share its partitions again.
const trialLasts = 5 * patience

// run runs the trial. It calls cause when a quarter of the messages are sent. The rest waits
// until resume is called, or cause returns.
func (tr trial) run(t *testing.T, cause func(resume func())) {
	h := newHistory()
	next := make(chan int)
	var writers, readers sync.WaitGroup
	for who := range trialWriters {
		writers.Go(func() { tr.write(t, h, who, next) })
	}
	var over atomic.Bool
	for who := range 2 {
		readers.Go(func() { tr.read(t, h, who, &over) })
	}
	go func() {
		resumed := make(chan struct{})
		resume := sync.OnceFunc(func() { close(resumed) })
		for first := 0; first < tr.messages; first += trialBatch {
			if first == tr.messages/4/trialBatch*trialBatch {
				writers.Go(func() { cause(resume); resume() })
				<-resumed
			}
			next <- first
		}
		close(next)
		close(tr.handed)
	}()
	writers.Wait()
	over.Store(true)
	readers.Wait()
	h.check(t, tr.messages)
}

// write publishes batches until each of their messages is confirmed, as the caller of
// a store does.
func (tr trial) write(t *testing.T, h *history, who int, next <-chan int) {
	b := tr.writing()
	deadline := time.Now().Add(trialLasts)
	for first := range next {
		left := numbers(first, first+trialBatch)
		for len(left) > 0 {
			var batch []bus.Outgoing
			for _, number := range left {
				batch = append(batch, bodies(number, 1)...)
			}
			out := outcome.Of(make([]osprofiler.Notification, len(batch)))
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			b.Publish(ctx, batch, out)
			cancel()
			missing := map[int]bool{}
			for _, i := range out.Missing() {
				missing[i] = true
			}
			var confirmed, again []int
			for i, number := range left {
				if missing[i] {
					again = append(again, number)
				} else {
					confirmed = append(confirmed, number)
				}
			}
			h.note("confirmed", who, nil, confirmed...)
			h.note("reported", who, out.Err(), again...)
			if len(again) > 0 && !out.Transient() || time.Now().After(deadline) {
				t.Errorf("writer %d gave up: %v", who, out.Err())
				break
			}
			left = again
		}
	}
}

// read receives messages and acknowledges them in batches, until the writers are done and no
// more messages come. It continues after an error.
func (tr trial) read(t *testing.T, h *history, who int, over *atomic.Bool) {
	b := tr.reading()
	deadline := time.Now().Add(trialLasts)
	var c bus.Consumption
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for time.Now().Before(deadline) {
		var err error
		if c == nil {
			if c, err = b.Consume(context.Background()); err != nil {
				h.note("not consuming", who, err)
				time.Sleep(100 * time.Millisecond)
				continue
			}
		}
		wasOver := over.Load()
		count, err := tr.receive(h, who, c)
		if err != nil {
			h.note("interrupted", who, err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if wasOver && count == 0 {
			return
		}
	}
	t.Errorf("reader %d has not come to the end", who)
}

func (tr trial) receive(h *history, who int, c bus.Consumption) (count int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var held []int
	var last uint64
	acknowledge := func() {
		if len(held) > 0 {
			h.note("acknowledged", who, c.Acknowledge(ctx, last), held...)
			held = nil
		}
	}
	for m, failure := range c.Receive(ctx, 2*time.Second) {
		if failure != nil {
			return count, failure
		}
		var body struct{ N int }
		if err := json.Unmarshal(m.Body, &body); err != nil {
			return count, fmt.Errorf("%s: %w", m.Place, err)
		}
		h.note("received", who, nil, body.N)
		held, last = append(held, body.N), m.Number
		count++
		if len(held) >= 100 {
			acknowledge()
		}
	}
	acknowledge()
	return count, nil
}
