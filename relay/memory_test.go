package relay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A memory is the driver of a store in memory. It counts the entries that are read from it.
type memory struct {
	mu   sync.Mutex
	rows []osprofiler.Notification

	indexed bool          // otherwise a lookup goes through all rows
	entry   time.Duration // cost of an entry that is read
	lookup  time.Duration // cost of a lookup

	// Hooks. If a hook returns an error, the call returns that error.
	onWrite func(batch []osprofiler.Notification) error
	onPoll  func(row int) error // before the row is yielded
	onRead  func(baseID string) error
	onList  func() error

	polled, scanned, lookups, lists, writes int
}

func (m *memory) Name() string               { return "the memory" }
func (m *memory) Ping(context.Context) error { return nil }
func (m *memory) Close() error               { return nil }

func (m *memory) Write(_ context.Context, batch []osprofiler.Notification) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.onWrite != nil {
		if err := m.onWrite(batch); err != nil {
			return err
		}
	}
	m.rows = append(m.rows, batch...)
	return nil
}

func (m *memory) snapshot() []osprofiler.Notification {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[:len(m.rows):len(m.rows)]
}

func (m *memory) Notifications(_ context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		m.lookups++
		time.Sleep(m.lookup)
		if m.onRead != nil {
			if err := m.onRead(baseID); err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
		}
		rows := m.snapshot()
		if !m.indexed {
			m.scanned += len(rows)
			time.Sleep(m.entry * time.Duration(len(rows)))
		}
		for _, n := range rows {
			if n.BaseID == baseID && !yield(n, nil) {
				return
			}
		}
	}
}

func (m *memory) Traces(context.Context, driver.Query) iter.Seq2[driver.Summary, error] {
	return func(yield func(driver.Summary, error) bool) {
		m.lists++
		if m.onList != nil {
			if err := m.onList(); err != nil {
				yield(driver.Summary{}, err)
				return
			}
		}
		byID := map[string]*driver.Summarizer{}
		var ids []string
		for _, n := range m.snapshot() {
			if byID[n.BaseID] == nil {
				byID[n.BaseID] = &driver.Summarizer{}
				ids = append(ids, n.BaseID)
			}
			byID[n.BaseID].Add(&n)
		}
		for _, id := range ids {
			if !yield(byID[id].Summary(), nil) {
				return
			}
		}
	}
}

func (m *memory) Feed(_ context.Context, from driver.Cursor) (driver.Feed, error) {
	f := &memoryFeed{memory: m}
	if from != "" {
		row, err := strconv.Atoi(string(from))
		if err != nil {
			return nil, store.ErrCursor
		}
		f.next = row
	}
	return f, nil
}

type memoryFeed struct {
	memory *memory
	next   int
}

func (f *memoryFeed) Poll(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		m := f.memory
		for rows := m.snapshot(); f.next < len(rows); {
			if m.onPoll != nil {
				if err := m.onPoll(f.next); err != nil {
					yield(osprofiler.Notification{}, err)
					return
				}
			}
			m.polled++
			time.Sleep(m.entry)
			f.next++
			if !yield(rows[f.next-1], nil) {
				return
			}
		}
	}
}

func (f *memoryFeed) Cursor() driver.Cursor { return driver.Cursor(strconv.Itoa(f.next)) }
func (f *memoryFeed) Close() error          { return nil }

// Drivers with a part of the capabilities of a memory.
type (
	writer interface {
		driver.Driver
		driver.Writer
	}
	writeOnly   struct{ writer }
	withoutFeed struct {
		writer
		driver.Reader
		driver.Lister
	}
	onlyFeed struct {
		writer
		driver.Feeder
	}
)

// notification returns the i-th notification. It belongs to the trace with the number trace.
func notification(i, trace int) osprofiler.Notification {
	id := traceID(trace)
	return osprofiler.Notification{
		Name: "db-start", BaseID: id, ParentID: id, TraceID: fmt.Sprintf("t%d", i),
		Timestamp: osprofiler.FormatTime(begin.Add(time.Duration(i) * time.Millisecond)),
		Info:      `{"db": {"statement": "SELECT 1"}, "host": "h"}`, Project: "p", Service: "s",
	}
}

var begin = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func traceID(trace int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", trace) }

// notifications returns count notifications, in traces of a size that are written at once.
func notifications(count, size int) []osprofiler.Notification {
	all := make([]osprofiler.Notification, count)
	for i := range all {
		all[i] = notification(i, i/size)
	}
	return all
}

// open returns the Store of a driver.
func open(t *testing.T, d driver.Driver) *store.Store {
	t.Helper()
	s := store.New(d)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// checkRows compares the stored notifications with the wanted ones.
func checkRows(t *testing.T, m *memory, want []osprofiler.Notification) {
	t.Helper()
	if got := m.snapshot(); !slices.Equal(got, want) {
		t.Errorf("the store has %d notifications, want %d: %v", len(got), len(want), firstDifference(got, want))
	}
}

func firstDifference(got, want []osprofiler.Notification) error {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("the %d-th is %s, want %s", i, got[i].JSON(), want[i].JSON())
		}
	}
	return errors.New("one is longer")
}

// reversed returns the notification with another text for the same JSON value.
func reversed(t *testing.T, n osprofiler.Notification) osprofiler.Notification {
	t.Helper()
	text := fmt.Sprintf(`{"service": %q, "project": %q, "info": {"host": "h", "db": {"statement": "SELECT 1"}}, "timestamp": %q, "parent_id": %q, "trace_id": %q, "base_id": %q, "name": %q}`,
		n.Service, n.Project, n.Timestamp, n.ParentID, n.TraceID, n.BaseID, n.Name)
	other, err := osprofiler.ParseNotification(text)
	if err != nil {
		t.Fatal(err)
	}
	return other
}
