// Package store is the contract between this project and the places where
// OSProfiler keeps its notifications: what a [Store] is, what more one may be
// able to do ([ErrorTracer], [Changer], [Upstreamer]), how it is opened by a
// connection string, and what its errors are.
//
// Each back end is a package of its own below exporter/; importing it
// registers its schemes (exporter/all imports them all). Package storetest
// holds the rules that every back end passes.
package store

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A Store keeps notifications and gives them back. All methods may be called
// from many goroutines at once, and none outlives its context for longer than
// the back end needs to notice.
type Store interface {
	// Write stores the batch. It returns nil when all of it is stored, as
	// durably as the back end documents. An error may leave a part of the
	// batch stored; the same batch may be written again, and is read back
	// once. A *WriteError in its chain says which part is missing, which of it is
	// refused for good, and whether trying again may help ([Retry] does so). A
	// notification that the store refuses does not keep the others from being
	// stored. Write keeps nothing of the batch after it returned, and refuses a
	// batch with an invalid Info ([osprofiler.Notification.Validate]) as a whole.
	Write(ctx context.Context, batch []osprofiler.Notification) error

	// Notifications yields the notifications of one trace in the order in
	// which upstream's driver gives them, each as the JSON value that went in,
	// equal ones once. The base id is compared as text. A trace that does not
	// exist is one ErrNotFound. What cannot be read is skipped and reported by
	// an error that wraps *Damage; after one of these the sequence goes on,
	// after any other error it ends.
	Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error]

	// Traces yields one entry per trace, with the time of its first event.
	// With a limit it yields the newest, newest first; without one, the order
	// is the store's. The store is not held in memory. Errors as above.
	Traces(ctx context.Context, q Query) iter.Seq2[Trace, error]

	// Close gives back what the store holds. Later calls of any method fail
	// with ErrClosed, but Close itself may be called again.
	Close() error
}

// Query says which traces are asked for. The zero Query asks for all.
type Query struct {
	Since, Until time.Time // first event at or after Since, before Until; zero: unbounded
	Limit        int       // at most so many, the newest; 0: all
}

// Contains tells whether a trace whose first event is at t is asked for.
func (q Query) Contains(t time.Time) bool {
	return (q.Since.IsZero() || !t.Before(q.Since)) && (q.Until.IsZero() || t.Before(q.Until))
}

// Trace is one entry of a listing.
type Trace struct {
	BaseID    string
	Timestamp string // of the first event (in ErrorTraces: the first that failed), as stored
}

// Time returns the time that Timestamp tells, zero if it tells none.
func (t Trace) Time() time.Time {
	at, _ := osprofiler.ParseTime(t.Timestamp)
	return at
}

// An ErrorTracer can list the traces in which something failed.
type ErrorTracer interface {
	// ErrorTraces is like Store.Traces, for the traces with a notification
	// that failed ([osprofiler.Info.Failed]), with the time of the first such.
	ErrorTraces(ctx context.Context, q Query) iter.Seq2[Trace, error]
}

// A Changer can tell what came since: for forwarding, following and indexing.
type Changer interface {
	// Changes yields every notification of the store behind the cursor, once
	// or more, and ends when there are no more; what is written meanwhile may
	// or may not come. "" is the beginning. Going on from any Change's cursor
	// yields at least all that came after that one. A cursor that is not this
	// store's is an error.
	Changes(ctx context.Context, from Cursor) iter.Seq2[Change, error]
}

// A Cursor is a place in a store's changes, opaque, safe to keep as text.
type Cursor string

// A Change is a notification and the place behind it.
type Change struct {
	osprofiler.Notification
	Cursor Cursor
}

// An Upstreamer tells how upstream's driver for its back end answers, where
// this depends on the back end. A store that is none answers like upstream's
// drivers that keep whole notifications in order (file, for one).
type Upstreamer interface {
	Upstream() Upstream
}

// Upstream describes an upstream driver. A nil function means the usual answer.
type Upstream struct {
	// Driver is upstream's name of it.
	Driver string
	// Payload returns the JSON text that stands under meta.raw_payload;
	// usually the whole notification.
	Payload func(n *osprofiler.Notification) string
	// Host returns the raw JSON value of a node's host; usually info.host. It
	// holds for our own answers too.
	Host func(n *osprofiler.Notification) (raw string, ok bool)
	// Traces lists by upstream's rule, in its order; usually Store.Traces.
	Traces func(ctx context.Context) iter.Seq2[Trace, error]
	// ErrorTraces lists by upstream's rule; where it is nil, upstream cannot.
	ErrorTraces func(ctx context.Context) iter.Seq2[Trace, error]
}
