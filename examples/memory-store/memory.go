// Package memory is a complete back end that keeps notifications in the memory
// of the process: the example of docs/adding-a-back-end.md. Importing it
// registers the scheme memory://. Stores of the same name share their
// notifications, which last until the process ends.
package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"memory"}, Open: open})
}

var tables sync.Map // name -> *table

func open(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	_, name, _ := strings.Cut(connectionString, "://")
	if name == "" || strings.Contains(name, "?") {
		return nil, store.BadConnectionString(fmt.Errorf("the connection string %q should read like memory://name, without options", connectionString))
	}
	t, _ := tables.LoadOrStore(name, &table{name: name, id: osprofiler.NewID()})
	if o.ReadOnly {
		return store.NewReadOnly(t.(*table)), nil
	}
	return store.New(t.(*table)), nil
}

// A table is the driver.
type table struct {
	name, id string

	mu   sync.Mutex
	rows []row // in the order of writing; never changed, only replaced
	last int   // number of the newest row
}

type row struct {
	number       int
	notification osprofiler.Notification
}

func (t *table) Name() string               { return "memory://" + t.name }
func (t *table) Ping(context.Context) error { return nil }
func (t *table) Close() error               { return nil }

// Write implements driver.Writer.
func (t *table) Write(_ context.Context, batch []osprofiler.Notification) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range batch {
		t.last++
		t.rows = append(t.rows, row{t.last, n})
	}
	return nil
}

// snapshot returns the rows. The lock is not held while rows are yielded, because
// the body of a loop over a Store may use the Store.
func (t *table) snapshot() []row {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rows
}

// Notifications implements driver.Reader. The Store drops those of other traces.
func (t *table) Notifications(context.Context, string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, r := range t.snapshot() {
			if !yield(r.notification, nil) {
				return
			}
		}
	}
}

// Traces implements driver.Lister. The Store applies the query.
func (t *table) Traces(_ context.Context, q store.Query) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		traces, firsts := map[string]*driver.Summarizer{}, map[string]*osprofiler.Notification{}
		for _, r := range t.snapshot() {
			id := driver.Text(r.notification.BaseID)
			if traces[id] == nil {
				traces[id] = &driver.Summarizer{}
			}
			if traces[id].Add(&r.notification) && q.First {
				firsts[id] = &r.notification
			}
		}
		for id, trace := range traces {
			s := trace.Summary()
			s.First = firsts[id]
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Delete implements driver.Deleter.
func (t *table) Delete(_ context.Context, baseID string) (deleted int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.rows)
	t.rows = slices.DeleteFunc(slices.Clone(t.rows), func(r row) bool { return driver.Text(r.notification.BaseID) == baseID })
	return before - len(t.rows), nil
}

// Feed implements driver.Feeder. A cursor is the id of the table and the number
// of the last row that was yielded.
func (t *table) Feed(_ context.Context, from store.Cursor) (driver.Feed, error) {
	f := &feed{table: t}
	if from == "" {
		return f, nil
	}
	_, err := fmt.Sscanf(strings.TrimPrefix(string(from), t.id), "/%d", &f.yielded)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || from != f.Cursor() || f.yielded > t.last {
		return nil, fmt.Errorf("%q: %w", from, store.ErrCursor)
	}
	return f, nil
}

type feed struct {
	*table
	yielded int // number of the last row that was yielded
}

// Cursor implements driver.Feed.
func (f *feed) Cursor() store.Cursor { return store.Cursor(fmt.Sprintf("%s/%012d", f.id, f.yielded)) }

// Poll implements driver.Feed.
func (f *feed) Poll(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, r := range f.snapshot() {
			if r.number <= f.yielded {
				continue
			}
			f.yielded = r.number
			if !yield(r.notification, nil) {
				return
			}
		}
	}
}
