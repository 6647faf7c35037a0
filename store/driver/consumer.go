package driver

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
)

// A Consumer can take notifications out of its place: a message bus, on which a
// message waits until a reader has acknowledged it.
type Consumer interface {
	// Consume begins to take notifications. The context ends when Consume returns.
	Consume(ctx context.Context) (Consumption, error)
}

// A Peeker can show everything that lies in its place without taking it.
type Peeker interface {
	// Peek yields the notifications of all traces that lie in the place now, in its
	// order, and leaves them there. It may look at a bounded number of them; a
	// *store.DamageError at the end then says that there are more. Errors are as in
	// [Reader].
	Peek(ctx context.Context) iter.Seq2[osprofiler.Notification, error]
}

// A Consumption takes notifications out of a place. Its methods are not called from
// several goroutines at once, except that Position and Acknowledge may be called
// inside the loop over Take, and Close at any time.
type Consumption interface {
	// Take yields notifications in the order in which the place delivers them, and
	// ends when none arrived for a while (the place says how long). After a lost
	// connection, the place delivers again what was not acknowledged, and Take yields
	// it again. If the loop ends early, the next Take goes on behind the last
	// notification. A message that is no notification stays in the place, and is
	// yielded once, as an error that wraps *store.DamageError, whose Foreign tells
	// whether the message belongs to another program, and whose Kind is the same for
	// messages with the same reason. Any other error ends the sequence, and the next
	// Take tries again.
	Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error]

	// Position returns the position behind what was yielded, also inside the loop over
	// Take.
	Position() string

	// Leave excepts from Acknowledge the notification that was the last one when
	// Position returned the position, because it is not safe anywhere else. A queue gives
	// it back when the Consumption is closed. A log, in which messages stay anyway, may
	// pass over it.
	Leave(position string)

	// Acknowledge removes from the place what was yielded before the position. It is
	// no error if the place delivers some of it again, because the connection on
	// which it came is lost.
	Acknowledge(ctx context.Context, position string) error

	// Close gives back to the place what was not acknowledged.
	Close() error
}

// A Disposer is a [Consumption] that can let go of an entry which is no notification.
type Disposer interface {
	// Dispose makes Acknowledge remove the entry whose error was yielded last when
	// Position returned the position. Without it, such an entry stays in the place. The
	// error has the entry in store.DamageError.Body.
	Dispose(position string)
}

// A Redeliverer is a [Consumption] of a place that tells which notifications were
// delivered before.
type Redeliverer interface {
	// Redelivered reports whether the notification that was yielded last was delivered
	// before, to this Consumption or to another one.
	Redelivered() bool
}

// A Follower is a [Consumption] that can wait without end.
type Follower interface {
	// Follow is Take, but does not end when nothing arrives: only the end of the context
	// or an error ends it.
	Follow(ctx context.Context) iter.Seq2[osprofiler.Notification, error]
}
