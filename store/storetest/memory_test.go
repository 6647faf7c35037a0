package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// table is the data that remains when a memory store is closed.
type table struct {
	sync.Mutex
	id   string
	rows []row
	last int // number of the newest row

	later []osprofiler.Notification // the batch that the driver still uses after Write returned
}

type row struct {
	number int
	osprofiler.Notification
}

// flaws break a memory store, each in one way. The zero flaws break nothing.
type flaws struct {
	write   func(batch []osprofiler.Notification) []osprofiler.Notification // returns the notifications that are stored instead
	read    func(all []osprofiler.Notification) []osprofiler.Notification   // returns the notifications that are read instead
	summary func(*store.Summary)                                            // changes the listed summary
	matches func(id, asked string) bool                                     // for Delete
	list    func(traces []store.Summary, q store.Query) []store.Summary
	finds   func(info osprofiler.Info, requestID string) bool // used by TracesOfRequest to find traces

	forgets, leaks, locks, keeps, closes, eager, failsEmpty         bool
	skips, anyCursor, rewinds, repeats, impatient, stale, unwrapped bool
	skipsNew                                                        bool
	lumps, deaf                                                     bool // for DeleteTraces
	miscounts                                                       bool // for Delete, which a wrapper calls
	bus                                                             busFlaws
}

// memory is the driver.
type memory struct {
	flaws
	table *table
}

// harness makes memory stores with the flaws.
func harness(f flaws) storetest.Harness {
	tables := map[string]*table{}
	return storetest.Harness{
		Place: func(testing.TB) string {
			id := osprofiler.NewID()
			tables[id] = &table{id: id}
			return id
		},
		Open: func(_ context.Context, id string) (*store.Store, error) {
			t := tables[id]
			switch {
			case t == nil && f.eager:
				return nil, fmt.Errorf("there is no table %q", id)
			case t == nil:
				return store.New(unreachable{}), nil
			case f.forgets:
				t.rows = nil
			}
			m := &memory{flaws: f, table: t}
			if f.unwrapped {
				return store.New(incapable{m, m}), nil
			}
			return m.asStore(), nil
		},
		Unreachable: func(testing.TB) string { return "nowhere" },
	}
}

// unreachable is the driver of a table that does not exist.
type unreachable struct{}

func (unreachable) Name() string               { return "nowhere" }
func (unreachable) Ping(context.Context) error { return fmt.Errorf("there is no such table") }
func (unreachable) Close() error               { return nil }
func (u unreachable) Write(ctx context.Context, _ []osprofiler.Notification) error {
	return u.Ping(ctx)
}

// incapable hides all capabilities of its driver except writing and reading.
type incapable struct {
	driver.Driver
	memory *memory
}

func (i incapable) Write(ctx context.Context, batch []osprofiler.Notification) error {
	return i.memory.Write(ctx, batch)
}

func (m *memory) Name() string               { return "the table " + m.table.id }
func (m *memory) Ping(context.Context) error { return nil }

func (m *memory) Close() error {
	if m.closes {
		return fmt.Errorf("it is open")
	}
	return nil
}

func (m *memory) Write(_ context.Context, batch []osprofiler.Notification) error {
	m.table.Lock()
	defer m.table.Unlock()
	stored := slices.Clone(batch)
	if m.write != nil {
		stored = m.write(stored)
	}
	if m.keeps {
		m.table.later = batch
		return nil
	}
	m.table.add(stored)
	return nil
}

func (t *table) add(batch []osprofiler.Notification) {
	for i := range batch {
		t.last++
		t.rows = append(t.rows, row{t.last, batch[i]})
	}
}

func (m *memory) snapshot() []row {
	m.table.Lock()
	defer m.table.Unlock()
	m.table.add(m.table.later)
	m.table.later = nil
	return slices.Clone(m.table.rows)
}

func (m *memory) Notifications(_ context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		var all []osprofiler.Notification
		for _, r := range m.snapshot() {
			if driver.Text(r.BaseID) == baseID {
				all = append(all, r.Notification)
			}
		}
		if m.read != nil {
			all = m.read(all)
		}
		if m.leaks {
			go func() { select {} }()
		}
		if m.locks {
			m.table.Lock()
			defer m.table.Unlock()
		}
		for _, n := range all {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// TracesOfRequest leaves the search to the Store unless the flaw has a search.
func (m *memory) TracesOfRequest(_ context.Context, q store.Query) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if m.finds == nil {
			yield("", errors.ErrUnsupported)
			return
		}
		for _, n := range m.snapshot() {
			if m.finds(n.Info, q.RequestID) && !yield(n.BaseID, nil) {
				return
			}
		}
	}
}

func (m *memory) Traces(_ context.Context, q store.Query) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		var order []string
		traces := map[string]*driver.Summarizer{}
		firsts := map[string]*osprofiler.Notification{}
		rows := m.snapshot()
		if m.failsEmpty && len(rows) == 0 {
			yield(store.Summary{}, fmt.Errorf("the table is empty"))
			return
		}
		for i := range rows {
			n := &rows[i].Notification
			id := driver.Text(n.BaseID)
			if traces[id] == nil {
				traces[id] = &driver.Summarizer{}
				order = append(order, id)
			}
			if traces[id].Add(n) && q.First {
				firsts[id] = n
			}
		}
		var list []store.Summary
		for _, id := range order {
			t := traces[id].Summary()
			t.First = firsts[id]
			if m.summary != nil {
				m.summary(&t)
			}
			list = append(list, t)
		}
		if m.list != nil {
			list = m.list(list, q)
		}
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (m *memory) Delete(_ context.Context, baseID string) (deleted int, err error) {
	m.table.Lock()
	defer m.table.Unlock()
	matches := m.matches
	if matches == nil {
		matches = func(id, asked string) bool { return id == asked }
	}
	m.table.rows = slices.DeleteFunc(m.table.rows, func(r row) bool {
		gone := matches(driver.Text(r.BaseID), baseID)
		if gone {
			deleted++
		}
		return gone
	})
	if m.miscounts {
		deleted *= 2
	}
	return deleted, nil
}

func (m *memory) DeleteTraces(ctx context.Context, baseIDs []string) (deletions []driver.Deletion, err error) {
	for _, id := range baseIDs {
		if err := ctx.Err(); err != nil && !m.deaf {
			return deletions, err
		}
		n, err := m.Delete(ctx, id)
		if err != nil {
			return deletions, err
		}
		deletions = append(deletions, driver.Deletion{Notifications: n})
	}
	if m.lumps {
		for i := 1; i < len(deletions); i++ {
			deletions[0].Notifications += deletions[i].Notifications
			deletions[i].Notifications = 0
		}
	}
	return deletions, nil
}

func (m *memory) PythonAnswers() store.PythonAnswers { return store.PythonAnswers{Driver: "memory"} }

func (m *memory) Feed(_ context.Context, from store.Cursor) (driver.Feed, error) {
	f := &memoryFeed{memory: m}
	if from == "" {
		return f, nil
	}
	id, number, _ := strings.Cut(string(from), "/")
	_, err := fmt.Sscanf(number, "%06d", &f.last)
	m.table.Lock()
	defer m.table.Unlock()
	if (err != nil || id != m.table.id || f.last > m.table.last || from != f.Cursor()) && !m.anyCursor {
		return nil, fmt.Errorf("%w: %q", store.ErrCursor, from)
	}
	if m.skips {
		f.last++
	}
	if m.rewinds && f.last >= m.table.last {
		f.last = 0
	}
	return f, nil
}

// memoryFeed follows a table.
type memoryFeed struct {
	*memory
	last int // number of the last row that was yielded
}

func (f *memoryFeed) Poll(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if f.failsEmpty && len(f.snapshot()) == 0 {
			yield(osprofiler.Notification{}, fmt.Errorf("the table is empty"))
			return
		}
		rows := f.snapshot()
		first := f.last
		if f.stale {
			rows, first = rows[min(first, len(rows)):], 0
		}
		for _, r := range rows {
			if r.number <= first && !f.repeats {
				continue
			}
			f.last = r.number
			if f.impatient { // the rest counts as yielded, too
				f.last = rows[len(rows)-1].number
			}
			if !yield(r.Notification, nil) {
				return
			}
		}
		if f.skipsNew {
			f.table.Lock()
			defer f.table.Unlock()
			f.last = f.table.last
		}
	}
}

func (f *memoryFeed) Cursor() store.Cursor {
	return store.Cursor(fmt.Sprintf("%s/%06d", f.table.id, f.last))
}

func (f *memoryFeed) Close() error { return nil }
