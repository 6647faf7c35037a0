package relay

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
)

// A Source gives the notifications that are to be copied. Its methods are not
// called from several goroutines at once, except that Position and Acknowledge
// may be called inside the loop over Read.
type Source interface {
	// Name names the source in errors, such as `Redis at 10.0.0.5:6379`. It
	// shows no password.
	Name() string

	// Read yields what the source has behind what was yielded before, and ends
	// when there is no more for now. It may yield a notification more than once,
	// but misses none. If the loop is left early, the next Read goes on behind
	// the last notification. The source itself repeats what fails for a reason
	// that passes. An error that wraps a [*store.DamageError] reports an entry that
	// was skipped; any other error ends the sequence.
	//
	// [Follow] calls Read again and again, and hands on what was read when Read ends.
	// A source that listens waits in Read until it has something, yields what it has
	// without waiting for more, and ends. Follow ends a wait by ending the context of
	// Read, and calls Read again with another one. A source loses nothing by that:
	// what was not yielded comes with the next Read. If Read yields nothing, Follow
	// pauses for the time of [WithPollInterval], less the time that Read took.
	Read(ctx context.Context) iter.Seq2[osprofiler.Notification, error]

	// Position returns the position behind what was yielded. Inside the loop over
	// Read, it may be in front of the last notification.
	Position() Position

	// Acknowledge tells the source that every target has what lies before the
	// position. Positions come in the order in which Position returned them, and
	// each includes all before it. Some positions are left out.
	Acknowledge(ctx context.Context, p Position) error

	// Close gives back what the source holds. What was not acknowledged stays in
	// the source.
	Close() error
}

// A Leaver is a Source that wants to know which notifications the targets refuse for
// good. Follow then calls Position behind each notification.
type Leaver interface {
	Source
	// Leave says that a target refuses the notification that was the last one when
	// Position returned p, and why. It is called before a position behind p is
	// acknowledged. The same position may be left several times, by several targets.
	Leave(p Position, reason error)
}

// A Position says how far a Source was read. Only the Source that returned it can
// interpret it: it is the cursor of a feed, or the number of a message.
type Position string
