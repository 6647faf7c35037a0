package driver

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
)

// A Consumer can take notifications from its place, a message bus. A message waits there until
// a reader has acknowledged it.
type Consumer interface {
	// Consume begins to take notifications. The context ends when Consume returns.
	Consume(ctx context.Context) (Consumption, error)
}

// A Peeker can yield everything in its place without removing it.
type Peeker interface {
	// Peek yields the notifications of all traces that are in the place now, in its order, and
	// leaves them there. It may look at a bounded number of them. If there are more, the last
	// element is a *store.DamageError. Other errors are as in [Reader].
	Peek(ctx context.Context) iter.Seq2[osprofiler.Notification, error]
}

// A Consumption takes notifications from a place. Its methods are not called concurrently,
// with two exceptions: Position and Acknowledge may be called inside the loop over Take, and
// Close at any time.
type Consumption interface {
	// Take yields notifications in the order in which the place delivers them. It ends when
	// none has arrived for a while, which the place defines. After a lost connection, the
	// place delivers unacknowledged notifications again, and Take yields them again. If the
	// loop ends early, the next Take continues after the last notification. A message that is
	// no notification stays in the place. It is yielded once, as an error that wraps
	// *store.DamageError. The error's Foreign reports whether the message belongs to another
	// program, and its Kind is the same for messages with the same reason. Any other error
	// ends the sequence, and the next Take tries again.
	Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error]

	// Position returns the position after the notification that was yielded last. It may be
	// called inside the loop over Take.
	Position() string

	// Leave excludes a notification from Acknowledge, because the notification is not safe
	// anywhere else. It is the one that was yielded last when Position returned the position.
	// A queue gets it back when the Consumption is closed. A log, in which messages stay in
	// any case, may pass over it.
	Leave(position string)

	// Acknowledge removes everything that was yielded before the position from the place. If
	// the connection was lost, the place may deliver some of it again. This is no error.
	Acknowledge(ctx context.Context, position string) error

	// Close returns unacknowledged notifications to the place.
	Close() error
}

// A Disposer is a [Consumption] that can remove an entry that is no notification.
type Disposer interface {
	// Dispose makes Acknowledge remove the entry whose error was yielded last when Position
	// returned the position. Without Dispose, such an entry stays in the place. The field
	// store.DamageError.Body of the error has the entry.
	Dispose(position string)
}

// A Redeliverer is a [Consumption] of a place that reports which notifications were delivered
// before.
type Redeliverer interface {
	// Redelivered reports whether the notification that was yielded last was delivered
	// before, to this Consumption or to another one.
	Redelivered() bool
}

// A Follower is a [Consumption] that can wait without end.
type Follower interface {
	// Follow is like Take, but does not end when nothing arrives. Only the end of the context
	// or an error ends it.
	Follow(ctx context.Context) iter.Seq2[osprofiler.Notification, error]
}
