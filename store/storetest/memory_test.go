package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// place is what a memory store keeps when it is closed.
type place struct {
	sync.Mutex
	id   string
	data []osprofiler.Notification
}

// flaws break a memory store, each in one way. The zero flaws break nothing.
type flaws struct {
	write   func(batch []osprofiler.Notification) []osprofiler.Notification // what is stored instead
	read    func(all []osprofiler.Notification) []osprofiler.Notification   // what is read instead
	matches func(id, asked string) bool
	list    func(traces []store.Trace, q store.Query) []store.Trace
	failed  func(osprofiler.Info) bool

	unchecked, duplicates, noNotFound, deaf, open, forgets, leaks, locks, skips, anyCursor, rewinds, noEmpty, noChanges, keeps bool
}

type memory struct {
	flaws
	place  *place
	mu     sync.Mutex
	closed bool
}

// harness makes memory stores with the flaws.
func harness(f flaws) storetest.Harness {
	places := map[string]*place{}
	return storetest.Harness{
		Place: func(testing.TB) string {
			id := strconv.Itoa(len(places)) + "-" + osprofiler.NewID()
			places[id] = &place{id: id}
			return id
		},
		Open: func(_ context.Context, id string) (store.Store, error) {
			if f.forgets {
				places[id].data = nil
			}
			return &memory{flaws: f, place: places[id]}, nil
		},
	}
}

// ready tells whether a method may go on.
func (m *memory) ready(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed && !m.open:
		return store.ErrClosed
	case m.deaf:
		return nil
	default:
		return ctx.Err()
	}
}

func (m *memory) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	if m.noEmpty && len(batch) == 0 {
		return errors.New("nothing to write")
	}
	m.place.Lock()
	defer m.place.Unlock()
	var stored []osprofiler.Notification
	for _, n := range batch {
		if err := n.Validate(); err != nil && !m.unchecked {
			return err
		}
		stored = append(stored, n)
	}
	if m.write != nil {
		stored = m.write(stored)
	}
	if m.keeps {
		m.place.data = batch
		return nil
	}
	m.place.data = append(m.place.data, stored...)
	return nil
}

func (m *memory) snapshot() []osprofiler.Notification {
	m.place.Lock()
	defer m.place.Unlock()
	return slices.Clone(m.place.data)
}

func (m *memory) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if err := m.ready(ctx); err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		all := m.matching(baseID)
		if len(all) == 0 && !m.noNotFound {
			yield(osprofiler.Notification{}, store.NotFound(baseID))
			return
		}
		if m.leaks {
			go func() { select {} }()
		}
		if m.locks {
			m.place.Lock()
			defer m.place.Unlock()
		}
		for _, n := range all {
			if err := m.ready(ctx); err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			if !yield(n, nil) {
				return
			}
		}
	}
}

// matching returns the notifications of a trace, equal ones once.
func (m *memory) matching(asked string) []osprofiler.Notification {
	matches := m.matches
	if matches == nil {
		matches = func(id, asked string) bool { return id == asked }
	}
	var u backend.Unique
	var all []osprofiler.Notification
	for _, n := range m.snapshot() {
		if matches(backend.Text(n.BaseID), backend.Text(asked)) && (m.duplicates || u.First(n)) {
			all = append(all, n)
		}
	}
	if m.read != nil {
		all = m.read(all)
	}
	return all
}

func (m *memory) traces(ctx context.Context, q store.Query, counts func(osprofiler.Info) bool) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		if err := m.ready(ctx); err != nil {
			yield(store.Trace{}, err)
			return
		}
		var firsts backend.Firsts
		for _, n := range m.snapshot() {
			if counts(n.Info) {
				firsts.Add(backend.Text(n.BaseID), n.Timestamp)
			}
		}
		var traces []store.Trace
		if m.list != nil {
			traces = m.list(firsts.Traces(store.Query{}), q)
		} else {
			traces = firsts.Traces(q)
		}
		for _, t := range traces {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (m *memory) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return m.traces(ctx, q, func(osprofiler.Info) bool { return true })
}

func (m *memory) ErrorTraces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	failed := osprofiler.Info.Failed
	if m.failed != nil {
		failed = m.failed
	}
	return m.traces(ctx, q, failed)
}

func (m *memory) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		if err := m.ready(ctx); err != nil {
			yield(store.Change{}, err)
			return
		}
		all := m.snapshot()
		if m.noChanges && len(all) == 0 {
			yield(store.Change{}, errors.New("there are no changes"))
			return
		}
		at, err := m.position(from, len(all))
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		for i := at; i < len(all); i++ {
			cursor := store.Cursor(fmt.Sprintf("%s/%06d", m.place.id, i+1))
			if !yield(store.Change{Notification: all[i], Cursor: cursor}, nil) {
				return
			}
		}
	}
}

func (m *memory) position(from store.Cursor, end int) (int, error) {
	if from == "" {
		return 0, nil
	}
	id, number, _ := strings.Cut(string(from), "/")
	at, err := strconv.Atoi(number)
	switch {
	case m.anyCursor:
		return min(at, end), nil
	case err != nil || id != m.place.id || at < 1 || at > end || fmt.Sprintf("%06d", at) != number:
		return 0, errors.New("no cursor of this store")
	case m.rewinds && at == end:
		return 0, nil
	case m.skips:
		return min(at+1, end), nil
	}
	return at, nil
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
