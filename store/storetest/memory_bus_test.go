package storetest_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// busFlaws break a message bus in memory.
type busFlaws struct {
	on, takes, repeats, loses, impatient, drops bool
	again                                       func() bool // whether a notification is delivered again
}

// memoryBus is the driver of a table that is a message bus.
type memoryBus struct{ *memory }

// A message bus that keeps the contract passes.
func TestMemoryBus(t *testing.T) {
	h := harness(flaws{bus: busFlaws{on: true}})
	storetest.Run(t, h)
}

// A message bus may deliver unacknowledged notifications again, if that is rare.
func TestBusThatDeliversAgain(t *testing.T) {
	for _, rule := range storetest.Rules() {
		if !strings.HasPrefix(rule.Name, "consume") {
			continue
		}
		deliveries := 0
		h := harness(flaws{bus: busFlaws{on: true, again: func() bool {
			deliveries++
			return deliveries == 3
		}}})
		if err := rule.Run(t, h); err != nil {
			t.Errorf("rule %s: %v", rule.Name, err)
		}
	}
}

func (m memoryBus) Peek(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, r := range m.snapshot() {
			if m.bus.takes {
				m.table.pop()
			}
			if !yield(r.Notification, nil) {
				return
			}
		}
	}
}

func (m memoryBus) Consume(context.Context) (driver.Consumption, error) {
	return &memoryTaking{memory: m.memory}, nil
}

// memoryTaking is a consumption. Its position is the number of notifications taken so far.
type memoryTaking struct {
	*memory
	taken []row // not acknowledged
	done  int   // acknowledged
	left  []row
}

func (t *table) pop() (first row, ok bool) {
	t.Lock()
	defer t.Unlock()
	if len(t.rows) == 0 {
		return row{}, false
	}
	first, t.rows = t.rows[0], t.rows[1:]
	return first, true
}

func (m *memoryTaking) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		defer func() {
			if m.bus.impatient { // the rest counts as yielded, too
				for _, ok := m.table.pop(); ok; _, ok = m.table.pop() {
				}
			}
		}()
		for {
			if err := ctx.Err(); err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			r, ok := m.table.pop()
			if !ok {
				return
			}
			m.taken = append(m.taken, r)
			if !yield(r.Notification, nil) {
				return
			}
			if m.bus.again != nil && m.bus.again() && !yield(r.Notification, nil) {
				return
			}
		}
	}
}

func (m *memoryTaking) Leave(position string) {
	if n, err := strconv.Atoi(position); err == nil && !m.bus.drops {
		m.left = append(m.left, m.taken[n-m.done-1])
	}
}

func (m *memoryTaking) Position() string { return strconv.Itoa(m.done + len(m.taken)) }

func (m *memoryTaking) Acknowledge(_ context.Context, position string) error {
	n, err := strconv.Atoi(position)
	if err != nil || n > m.done+len(m.taken) {
		return fmt.Errorf("no such position")
	}
	if !m.bus.repeats {
		m.taken, m.done = m.taken[n-m.done:], n
	}
	return nil
}

func (m *memoryTaking) Close() error {
	if m.bus.loses {
		return nil
	}
	m.table.Lock()
	defer m.table.Unlock()
	m.table.rows = slices.Concat(m.left, m.taken, m.table.rows)
	m.taken, m.left = nil, nil
	return nil
}

// asStore returns the store of a memory.
func (m *memory) asStore() *store.Store {
	if m.bus.on {
		return store.New(memoryBus{m})
	}
	return store.New(m)
}
