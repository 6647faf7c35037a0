package store

import (
	"context"
	"errors"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A ReadOption changes how the notifications of one trace are read.
type ReadOption interface{ apply(*reading) }

type readOptionFunc func(*reading)

func (f readOptionFunc) apply(r *reading) { f(r) }

// CountDuplicates adds to *count each notification that was dropped because an
// equal one came before. The sum is complete when the sequence has ended.
func CountDuplicates(count *int) ReadOption {
	return readOptionFunc(func(r *reading) { r.duplicates = count })
}

// KeepDuplicates yields equal notifications as often as the place holds them, for
// a caller who looks for them anyway. Without it the sequence keeps every
// notification of the trace in memory to know it again.
func KeepDuplicates() ReadOption {
	return readOptionFunc(func(r *reading) { r.keepDuplicates = true })
}

// A reading is one call of Notifications.
type reading struct {
	keepDuplicates bool
	duplicates     *int

	asked  string
	seen   unique
	exists bool // something of the trace was found, readable or not
}

// Notifications yields the notifications of one trace, in the order in which
// Python's driver for the place reads them, each as the JSON value that was
// written, equal ones once. The base id is compared as text.
//
// A trace that does not exist is one ErrNotFound. An entry that cannot be read
// is skipped and reported by an error that wraps [*DamageError], behind which the
// sequence goes on ([Ends]). Any other error ends it.
func (s *Store) Notifications(ctx context.Context, baseID string, opts ...ReadOption) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		r := reading{asked: driver.Text(baseID)}
		for _, opt := range opts {
			opt.apply(&r)
		}
		for n, err := range guard(ctx, s, s.entries(r.asked)) {
			if r.wants(&n, err) && !yield(n, err) {
				return
			}
			if Ends(err) {
				return
			}
		}
		if !r.exists {
			yield(osprofiler.Notification{}, NotFound(baseID))
		}
	}
}

// entries returns the sequence of the driver for the entries of one trace.
func (s *Store) entries(baseID string) func(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
		reader, ok := driver.As[driver.Reader](s.driver)
		if !ok {
			return failing[osprofiler.Notification](s.unsupported("cannot read from %s"))
		}
		return reader.Notifications(ctx, baseID)
	}
}

// wants reports whether the caller gets the entry, and notes that the trace exists.
func (r *reading) wants(n *osprofiler.Notification, err error) bool {
	if err != nil {
		var damage *DamageError
		r.exists = r.exists || errors.As(err, &damage) && damage.InTrace
		return true
	}
	if n.BaseID != r.asked && driver.Text(n.BaseID) != r.asked {
		return false
	}
	r.exists = true
	if r.keepDuplicates || r.seen.add(*n) {
		return true
	}
	if r.duplicates != nil {
		*r.duplicates++
	}
	return false
}

// failing returns a sequence of nothing but an error.
func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
