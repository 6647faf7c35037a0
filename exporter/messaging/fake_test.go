package messaging

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// A fakeBus keeps messages in memory, for tests of the code of this package above a bus. The
// brokers have their own tests with real servers.
type fakeBus struct {
	mu       sync.Mutex
	lying    []bus.Message
	config   bus.Config
	closed   bool
	onPeek   func()
	refuse   func(body []byte) error
	consumed *fakeConsumption // the last consumption
}

func (f *fakeBus) Name() string                            { return "the fake bus" }
func (f *fakeBus) Ping(context.Context, bool) error        { return nil }
func (f *fakeBus) Version(context.Context) (string, error) { return "fake 1", nil }
func (f *fakeBus) put(body string) {
	f.lying = append(f.lying, bus.Message{Body: []byte(body), ContentType: "application/json", Place: "a message"})
}
func (f *fakeBus) Close() error { f.closed = true; return nil }

func (f *fakeBus) Same(_ context.Context, other bus.Bus) (bool, error) {
	o, ok := other.(*fakeBus)
	return ok && o == f, nil
}

func (f *fakeBus) Publish(_ context.Context, messages []bus.Outgoing, out *outcome.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, m := range messages {
		if f.refuse != nil {
			if err := f.refuse(m.Body); err != nil {
				out.Refuse(err, i)
				continue
			}
		}
		f.put(string(m.Body))
	}
}

func (f *fakeBus) Peek(_ context.Context, limit int) (iter.Seq2[bus.Message, error], func() bool) {
	more := false
	if f.onPeek != nil {
		f.onPeek()
	}
	return func(yield func(bus.Message, error) bool) {
		for i, m := range f.lying {
			if i == limit {
				more = true
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}, func() bool { return more }
}

func (f *fakeBus) Consume(context.Context) (bus.Consumption, error) {
	f.consumed = &fakeConsumption{bus: f, left: map[uint64]bool{}}
	return f.consumed, nil
}

type fakeConsumption struct {
	bus          *fakeBus
	taken        []bus.Message
	left         map[uint64]bool
	acknowledged uint64
	fails        error
}

func (c *fakeConsumption) Receive(context.Context, time.Duration) iter.Seq2[bus.Message, error] {
	return func(yield func(bus.Message, error) bool) {
		for len(c.bus.lying) > 0 {
			m := c.bus.lying[0]
			c.bus.lying = c.bus.lying[1:]
			m.Number = uint64(len(c.taken) + 1)
			c.taken = append(c.taken, m)
			if !yield(m, nil) {
				return
			}
		}
		if c.fails != nil {
			yield(bus.Message{}, c.fails)
		}
	}
}

func (c *fakeConsumption) Leave(number uint64) { c.left[number] = true }

func (c *fakeConsumption) Acknowledge(_ context.Context, number uint64) error {
	if number < c.acknowledged || number > uint64(len(c.taken)) {
		return fmt.Errorf("cannot acknowledge %d", number)
	}
	c.acknowledged = number
	return nil
}

func (c *fakeConsumption) Close() error {
	var back []bus.Message
	for i, m := range c.taken {
		if n := uint64(i + 1); n > c.acknowledged || c.left[n] {
			back = append(back, m)
		}
	}
	c.bus.lying = slices.Concat(back, c.bus.lying)
	c.taken = nil
	return nil
}

var errBroken = errors.New("the connection broke")

// onFake returns the driver on a fake bus.
func onFake(opts ...Option) (*messages, *fakeBus) {
	f := &fakeBus{}
	return &messages{config: newConfig(opts), bus: f}, f
}
