// Package driver defines the interfaces that a back end implements. Package store builds the
// portable [store.Store] on them, which programs use. In this package, a place is the file,
// database, server or message bus of a back end.
//
// A back end implements [Driver], and [Writer], [Reader] or both. It also implements each of
// [Lister], [RequestFinder], [Feeder], [Deleter], [Versioner] and [PythonAnswerer] that its
// place supports. A message bus implements [Consumer] and [Peeker]. For a missing method, the
// caller of the Store gets errors.ErrUnsupported.
//
// # What the Store does, so that a driver need not
//
//   - After Close it refuses calls. It cancels the calls in progress, waits for
//     them, and calls Close of the driver once. A sequence may be waiting inside
//     yield at that time. It ends as soon as yield returns, so that it may free its
//     resources after Close.
//   - It ends a sequence when the context is done, before the first and after
//     each element. The context that a driver gets is also done when the Store
//     is closed.
//   - It does not call Write for an empty batch, for a Store that is read-only,
//     or for a batch with an invalid Info.
//   - It compares base ids, so that a driver may yield notifications of other
//     traces too, and drops equal notifications.
//   - It applies the Query to summaries, apart from Query.First, so that a
//     driver may yield more summaries than were asked for, in any order.
//   - It makes the errors for a trace that does not exist, for a Store that is closed
//     or read-only, and for methods that are unsupported.
//
// A driver yields the notifications in its place, or says in one sentence why it cannot. See
// docs/adding-a-back-end.md.
package driver

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
)

// A Driver is one opened back end. All methods of a driver may be called from many goroutines
// at once. A method connects only when it needs to. Opening a driver neither connects nor
// creates anything.
type Driver interface {
	// Name returns the name of the place for errors, such as `Redis at 10.0.0.5:6379` or
	// `the file "/var/log/traces.jsonl"`. It shows no password.
	Name() string

	// Ping connects. Its error says in one sentence why the place cannot be used. Unless the
	// Store is read-only, Ping creates what Write would create (the file, the table), so that
	// a later Write does not fail because it is missing.
	Ping(ctx context.Context) error

	// Close releases the resources of the driver, such as connections and files.
	Close() error
}

// A Writer can store notifications.
type Writer interface {
	// Write stores the batch, as [store.Store.Write] describes. It may create what it needs.
	// Write does not keep the slice, which the caller reuses. It may keep copies of the
	// notifications and their strings.
	//
	// The error is a *store.WriteError if the driver knows which part of the batch is missing
	// or refused, or that a retry may succeed.
	Write(ctx context.Context, batch []osprofiler.Notification) error
}

// A Reader can read the notifications of one trace. Reading creates nothing. A place that does
// not exist yet reads as empty, except that a Store that was opened read-only may report that
// there is no such place.
type Reader interface {
	// Notifications yields the notifications of one trace, in the order in which Python's
	// driver for the place reads them. It yields nothing if there are none. It may yield equal
	// notifications several times, and notifications of other traces. An entry that cannot be
	// read is an error that wraps *store.DamageError, and the sequence goes on after it. The
	// sequence ends with any other error.
	//
	// baseID is the [Text] of an id, which is the text that the id becomes when it is written
	// as JSON. It may have lone surrogates, in three bytes each.
	Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error]
}

// A Lister can list traces.
type Lister interface {
	// Traces yields one Summary for each trace that the query selects, each trace once. It may
	// yield other traces: the query says which traces the driver may skip. A driver may stop
	// after q.Limit traces only if it yields matching traces ([Query.Matches]) from the newest
	// on, by [Query.Time]. If q.First is set, each Summary has the first notification. Errors
	// are as in [Reader].
	Traces(ctx context.Context, q Query) iter.Seq2[Summary, error]
}

// A Feeder can yield notifications as they are written, for forwarding, following and
// indexing.
type Feeder interface {
	// Feed begins to follow the place after the cursor, which is empty for the beginning. The
	// context ends when Feed returns. A cursor of another place, or of a place that was
	// recreated, is an error, here or in the first Poll.
	Feed(ctx context.Context, from Cursor) (Feed, error)
}

// A Feed follows a place. It remembers what it yielded. Its methods are not called
// concurrently, except that Cursor and Close may be called while Poll is inside yield.
type Feed interface {
	// Poll yields the notifications that were written since the last Poll, and ends when there
	// are no more. A notification may be yielded more than once, but none is missed. Poll
	// reads only new notifications: rows that become visible late are found without reading
	// the rest again.
	//
	// A notification counts as yielded as soon as yield is called. If yield returns false, the
	// next Poll continues after it. Errors are as in [Reader]. After an error that ends the
	// sequence, the next Poll continues before that error.
	Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error]

	// Cursor returns a cursor from which a new Feed yields at least everything that was not
	// yielded. Inside yield, the cursor may be before the notification or after it.
	Cursor() Cursor

	// Close releases the resources of the feed.
	Close() error
}

// A Cursor is the position of a [Feed]. It is opaque, and safe to store as text.
type Cursor string

// A Deleter can delete traces.
type Deleter interface {
	// Delete removes all notifications of one trace, in every form in which the place keeps
	// them, and returns their number. 0 means that there is no such trace. baseID is the
	// [Text] of an id.
	Delete(ctx context.Context, baseID string) (notifications int, err error)
}

// A BulkDeleter can delete many traces faster than with a Delete for each. The Store uses it
// only if it is the outermost [Deleter], so that a wrapper that implements only Delete sees
// every deletion.
type BulkDeleter interface {
	Deleter

	// DeleteTraces deletes traces as Delete does. The ids differ from each other. The result
	// has one Deletion for each id, in the order of the ids.
	//
	// The driver divides the ids as its place requires, and may delete in any order. An error
	// means that the call ended early: at the end of the context, or at a failure, which is a
	// *store.TransientError if it may pass. The result then still counts the notifications
	// that are known to be deleted. A call with the same ids deletes the rest. Readers, also
	// those of the Python library, see each trace as existing or as gone, as after Delete.
	DeleteTraces(ctx context.Context, baseIDs []string) ([]Deletion, error)
}

// A Deletion is the outcome of the deletion of one trace.
type Deletion struct {
	// Notifications is the number of deleted notifications. 0 means that there is no such
	// trace, unless Err is set or the call ended early.
	Notifications int
	// Err says why the driver refuses to delete this trace. The other traces are deleted
	// nevertheless.
	Err error
}

// A Versioner can return the version of the server or library behind the place.
type Versioner interface {
	// Version returns a product and its version, such as "Redis 7.0.15". It
	// connects.
	Version(ctx context.Context) (string, error)
}

// A PythonAnswerer describes how the Python library's driver for its place answers, where this
// depends on the place. Without it, the Store answers like those of Python's drivers that keep
// whole notifications in the order of writing.
type PythonAnswerer interface {
	PythonAnswers() PythonAnswers
}

// PythonAnswers describes a driver of the Python library. A nil function selects the usual
// answer.
type PythonAnswers struct {
	// Driver is the name of Python's driver, such as "redis" or "sqlalchemy".
	Driver string
	// Payload returns the JSON text that a report shows under meta.raw_payload. Usually it is
	// the whole notification.
	Payload func(n *osprofiler.Notification) string
	// Host returns the raw JSON value of a node's host. Usually it is info.host. It also
	// applies to our own reports.
	Host func(n *osprofiler.Notification) (raw string, ok bool)
	// Traces lists traces by the rule of Python's driver, in its order. Each row is a JSON
	// object with those of the requested fields that Python's driver returns. No fields means
	// Python's default, base_id and timestamp.
	Traces func(ctx context.Context, fields []string) iter.Seq2[string, error]
	// FailedTraces lists traces by the rule of Python's list_error_traces, with base_id and
	// timestamp. It is nil if Python's driver cannot list failed traces.
	FailedTraces func(ctx context.Context) iter.Seq2[string, error]
}

// A Wrapper is a driver around another one: see [store.Store.Wrap]. It implements the
// interfaces whose methods it changes, and [As] finds the others on the inner driver. So a
// wrapped driver keeps its capabilities. A wrapper that implements an interface claims that
// capability. Therefore use such a wrapper only for drivers that also have the interface.
type Wrapper interface {
	Driver
	// Unwrap returns the driver inside.
	Unwrap() Driver
}

// As returns the outermost driver that implements T. It begins with d and continues with the
// driver inside each [Wrapper].
func As[T any](d Driver) (implementation T, ok bool) {
	for d != nil {
		if implementation, ok := d.(T); ok {
			return implementation, true
		}
		w, ok := d.(Wrapper)
		if !ok {
			break
		}
		d = w.Unwrap()
	}
	return implementation, false
}
