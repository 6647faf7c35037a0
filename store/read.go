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

// CountDuplicates makes the reading add to *count the number of notifications that were
// dropped because an equal one came before. The sum is complete when the sequence has ended.
func CountDuplicates(count *int) ReadOption {
	return readOptionFunc(func(r *reading) { r.duplicates = count })
}

// KeepDuplicates yields equal notifications as often as the place holds them, for a caller
// that detects duplicates itself. Without this option, the sequence keeps every notification
// of the trace in memory to detect duplicates.
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

// Notifications yields the notifications of one trace, in the order in which Python's driver
// for the place reads them. Each is the JSON value that was written. Equal notifications are
// yielded once. The base id is compared as text.
//
// For a trace that does not exist, the sequence is one ErrNotFound. An entry that cannot be
// read is skipped. It is reported by an error that wraps [*DamageError], and the sequence goes
// on after it ([Ends]). Any other error ends the sequence.
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

// wants reports whether the caller gets the entry, and records that the trace exists.
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

// failing returns a sequence that yields only the error.
func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
