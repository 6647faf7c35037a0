package reader

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Reader answers questions about the traces of one store. Its methods may be
// called from many goroutines at once.
type Reader struct {
	store store.Store
	config
}

// Open opens the store that the connection string names, for reading only:
// nothing is prepared in it. The errors are those of [store.Open].
func Open(ctx context.Context, connectionString string, opts ...Option) (*Reader, error) {
	s, err := store.Open(ctx, connectionString, store.WithReadOnly())
	if err != nil {
		return nil, err
	}
	return New(s, opts...), nil
}

// New returns a Reader of an open store, which it takes over: Close closes it.
func New(s store.Store, opts ...Option) *Reader {
	c := config{}
	if u, ok := s.(store.Upstreamer); ok {
		c.declared = u.Upstream()
	}
	for _, opt := range opts {
		opt.apply(&c)
	}
	if c.converter == nil {
		c.converter = convert.New()
	}
	return &Reader{store: s, config: c}
}

// Close closes the store.
func (r *Reader) Close() error { return r.store.Close() }

// Report reads one trace and builds its report ([BuildReport]). The base id is
// compared as text. A trace that does not exist is [store.ErrNotFound]; so is,
// in upstream's answers, one without an operation at the top, as there the
// Python tool says so too. Entries that cannot be read are warnings, unless
// nothing else is there.
func (r *Reader) Report(ctx context.Context, baseID string) (*Report, error) {
	report, err := buildReport(r.store.Notifications(ctx, baseID), r.config)
	switch {
	case err != nil:
		return nil, err
	case len(report.Children) > 0:
		return report, nil
	case len(report.Stats) == 0 && len(report.Warnings) > 0:
		return nil, fmt.Errorf("nothing of the trace %s can be read: %s", quote(baseID), report.Warnings[0])
	}
	return nil, store.NotFound(baseID)
}

// Spans reads one trace as OpenTelemetry spans ([convert.Converter.Spans]). An
// error that wraps [*store.Damage] leaves the rest readable, and the sequence
// goes on behind it; any other ends it.
func (r *Reader) Spans(ctx context.Context, baseID string) iter.Seq2[sdktrace.ReadOnlySpan, error] {
	return r.converter.Spans(r.store.Notifications(ctx, baseID))
}

// Traces lists the traces that the query asks for: with a limit the newest,
// newest first, else in the store's order. An error that wraps [*store.Damage]
// tells of an entry that was skipped, and the sequence goes on behind it; any
// other ends it. In upstream's answers the traces, their timestamps and, without
// a limit, their order are those of upstream's driver.
func (r *Reader) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	if r.upstream && r.declared.Traces != nil {
		return selected(r.declared.Traces(ctx), q)
	}
	return r.store.Traces(ctx, q)
}

// ErrorTraces lists, like Traces, the traces in which something failed, with
// the time of the first failure. It is [errors.ErrUnsupported] where the store
// cannot, and in upstream's answers where upstream's driver cannot.
func (r *Reader) ErrorTraces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	if r.upstream && r.declared.Driver != "" {
		if r.declared.ErrorTraces == nil {
			return failed(fmt.Errorf("upstream's driver %s cannot list error traces: %w", r.declared.Driver, errors.ErrUnsupported))
		}
		return selected(r.declared.ErrorTraces(ctx), q)
	}
	if e, ok := r.store.(store.ErrorTracer); ok {
		return e.ErrorTraces(ctx, q)
	}
	return failed(fmt.Errorf("this store cannot list error traces: %w", errors.ErrUnsupported))
}

func failed(err error) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) { yield(store.Trace{}, err) }
}

// selected applies a query to a listing that knows none. With a limit it holds
// no more than so many.
func selected(traces iter.Seq2[store.Trace, error], q store.Query) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		var newest traceHeap
		for t, err := range traces {
			switch {
			case err != nil:
				if !yield(t, err) || store.Ends(err) {
					return
				}
			case !q.Contains(t.Time()):
			case q.Limit <= 0:
				if !yield(t, nil) {
					return
				}
			default:
				heap.Push(&newest, t)
				if len(newest) > q.Limit {
					heap.Pop(&newest)
				}
			}
		}
		slices.SortFunc(newest, func(a, b store.Trace) int { return -compareTraces(a, b) })
		for _, t := range newest {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// compareTraces orders traces by their time, and those of one time by their id.
func compareTraces(a, b store.Trace) int {
	if c := a.Time().Compare(b.Time()); c != 0 {
		return c
	}
	if a.BaseID < b.BaseID {
		return -1
	}
	return 1
}

// A traceHeap has the oldest trace at its top.
type traceHeap []store.Trace

func (h traceHeap) Len() int           { return len(h) }
func (h traceHeap) Less(i, j int) bool { return compareTraces(h[i], h[j]) < 0 }
func (h traceHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *traceHeap) Push(t any)        { *h = append(*h, t.(store.Trace)) }
func (h *traceHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	*h = (*h)[:last]
	return t
}
