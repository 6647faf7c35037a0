package reader

import (
	"context"
	"fmt"
	"iter"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Reader reads the traces of one store. Its methods may be called from many goroutines at
// once.
type Reader struct {
	store     *store.Store
	ownsStore bool
	config
}

// Open opens the store that the connection string names, for reading only. It
// creates nothing in the store. Its errors are those of [store.Open].
func Open(ctx context.Context, connectionString string, opts ...Option) (*Reader, error) {
	s, err := store.Open(ctx, connectionString, store.WithReadOnly())
	if err != nil {
		return nil, err
	}
	r := New(s, opts...)
	r.ownsStore = true
	return r, nil
}

// New returns a Reader of a store that is open. The caller closes the store.
func New(s *store.Store, opts ...Option) *Reader {
	c := config{host: s.PythonAnswers().Host} // because some back ends keep the host elsewhere, also for our reports
	for _, opt := range opts {
		opt.apply(&c)
	}
	if c.converter == nil {
		c.converter = convert.New()
	}
	return &Reader{store: s, config: c}
}

// Close closes the store that [Open] opened. It does not close the store of [New].
func (r *Reader) Close() error {
	if r.ownsStore {
		return r.store.Close()
	}
	return nil
}

// Name returns a name of the store for messages, such as "Redis at host:6379". It
// contains no password.
func (r *Reader) Name() string { return r.store.Name() }

// Report reads one trace and builds its report ([BuildReport]). Base ids are
// compared as texts. If there is no such trace, the error wraps
// [store.ErrNotFound]. Entries that cannot be read are warnings, unless the trace
// has no other entries.
func (r *Reader) Report(ctx context.Context, baseID string) (*Report, error) {
	notifications := r.store.Notifications(ctx, baseID, store.KeepDuplicates()) // the builder finds duplicates itself, and warns of them
	report, err := buildReport(notifications, r.host)
	switch {
	case err != nil:
		return nil, err
	case len(report.Children) > 0:
		return report, nil
	case len(report.Warnings) > 0:
		return nil, fmt.Errorf("nothing of the trace %s can be read: %s", safetext.Quote(baseID), report.Warnings[0])
	}
	return nil, store.NotFound(baseID)
}

// Spans reads one trace as OpenTelemetry spans ([convert.Converter.Spans]). After an error
// that wraps [*store.DamageError] the sequence continues. Any other error ends the sequence.
func (r *Reader) Spans(ctx context.Context, baseID string) iter.Seq2[sdktrace.ReadOnlySpan, error] {
	return r.converter.Spans(r.store.Notifications(ctx, baseID))
}

// Traces lists the traces that the query selects, as [store.Store.Traces] does: with a limit
// the newest, newest first, otherwise in the store's order. [Fields] returns fields of the
// first notification of a trace if q.First is set. An error that wraps [*store.DamageError]
// reports a skipped entry; the sequence continues after it. Any other error ends the
// sequence.
func (r *Reader) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Summary, error] {
	return r.store.Traces(ctx, q)
}
