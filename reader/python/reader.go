package python

import (
	"context"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Reader gives Python's answers about the traces of one store. Its methods may
// be called from many goroutines at once.
type Reader struct {
	store     *store.Store
	ownsStore bool
	driver    store.PythonAnswers
}

// Open opens the store that the connection string names, for reading only. It
// creates nothing in the store. Its errors are those of [store.Open].
func Open(ctx context.Context, connectionString string) (*Reader, error) {
	s, err := store.Open(ctx, connectionString, store.WithReadOnly())
	if err != nil {
		return nil, err
	}
	r := New(s)
	r.ownsStore = true
	return r, nil
}

// New returns a Reader of a store that is open. The caller closes the store.
func New(s *store.Store) *Reader { return &Reader{store: s, driver: s.PythonAnswers()} }

// Name returns a name of the store for messages. It contains no password.
func (r *Reader) Name() string { return r.store.Name() }

// Close closes the store that [Open] opened. It does not close the store of [New].
func (r *Reader) Close() error {
	if r.ownsStore {
		return r.store.Close()
	}
	return nil
}

// Report reads one trace and builds the Python library's report of it
// ([BuildReport]). Base ids are compared as texts. If there is no such trace, or no
// operation at the top of its tree, the error wraps [store.ErrNotFound], because
// the Python tool does not find it either. Entries that cannot be read are
// warnings, unless the trace has no other entries.
func (r *Reader) Report(ctx context.Context, baseID string) (*reader.Report, error) {
	report, err := buildReport(r.store.Notifications(ctx, baseID, store.KeepDuplicates()), r.driver)
	switch {
	case err != nil:
		return nil, err
	case len(report.Children) > 0:
		return report, nil
	case len(report.Stats) == 0 && len(report.Warnings) > 0:
		return nil, fmt.Errorf("nothing of the trace %s can be read: %s", safetext.Quote(baseID), report.Warnings[0])
	}
	return nil, store.NotFound(baseID)
}
