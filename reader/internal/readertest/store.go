package readertest

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Driver is a back end in memory, for reading only.
type Driver struct {
	Entries []any // notifications and errors, in the order of reading
	Python  store.PythonAnswers
}

// Store returns the Store of a Driver.
func (d Driver) Store() *store.Store { return store.New(d) }

// Name implements driver.Driver.
func (Driver) Name() string { return "the test's memory" }

// Ping implements driver.Driver.
func (Driver) Ping(context.Context) error { return nil }

// Close implements driver.Driver.
func (Driver) Close() error { return nil }

// PythonAnswers implements driver.PythonAnswerer.
func (d Driver) PythonAnswers() store.PythonAnswers { return d.Python }

// Notifications implements driver.Reader.
func (d Driver) Notifications(context.Context, string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, entry := range d.Entries {
			n, _ := entry.(osprofiler.Notification)
			err, _ := entry.(error)
			if !yield(n, err) {
				return
			}
		}
	}
}

// Traces implements driver.Lister.
func (d Driver) Traces(context.Context, store.Query) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		var order []string
		traces := map[string]*driver.Summarizer{}
		firsts := map[string]*osprofiler.Notification{}
		for _, entry := range d.Entries {
			n, ok := entry.(osprofiler.Notification)
			if !ok {
				continue
			}
			if traces[n.BaseID] == nil {
				order = append(order, n.BaseID)
				traces[n.BaseID] = &driver.Summarizer{}
			}
			if traces[n.BaseID].Add(&n) {
				firsts[n.BaseID] = &n
			}
		}
		for _, id := range order {
			s := traces[id].Summary()
			s.First = firsts[id]
			if !yield(s, nil) {
				return
			}
		}
	}
}
