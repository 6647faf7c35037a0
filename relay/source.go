package relay

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
)

// A Source yields the notifications that are to be copied. Its methods are not called from
// several goroutines at once, except that Position and Acknowledge may be called inside the
// loop over Read.
type Source interface {
	// Name names the source in errors, such as `Redis at 10.0.0.5:6379`. It
	// shows no password.
	Name() string

	// Read yields the notifications behind those that were yielded before, and ends when
	// there are no more for now. It may yield a notification more than once, but misses none.
	// If the loop is left early, the next Read continues behind the last notification. The
	// source itself retries failures for a transient reason. An error that wraps a
	// [*store.DamageError] reports an entry that was skipped; any other error ends the
	// sequence.
	//
	// [Follow] calls Read again and again, and hands on what was read when Read ends. A
	// source that listens waits in Read until it has something, yields what it has without
	// waiting for more, and ends. Follow interrupts such a wait by ending the context of
	// Read, and calls Read again with another context. A source must lose nothing by that:
	// the next Read yields what was not yielded yet. If Read yields nothing, Follow pauses
	// for the time of [WithPollInterval], less the time that Read took.
	Read(ctx context.Context) iter.Seq2[osprofiler.Notification, error]

	// Position returns the position behind the notifications yielded so far. Inside the loop
	// over Read, it may be in front of the last notification.
	Position() Position

	// Acknowledge tells the source that every target has everything before the position.
	// Positions are acknowledged in the order in which Position returned them, and each
	// includes all before it. Some positions are left out.
	Acknowledge(ctx context.Context, p Position) error

	// Close releases the resources of the source. Unacknowledged notifications stay in the
	// source.
	Close() error
}

// A Leaver is a Source that wants to know which notifications the targets refuse permanently.
// Follow then calls Position after each notification.
type Leaver interface {
	Source
	// Leave reports that a target refuses the notification that was the last one when
	// Position returned p, and the reason. It is called before a position behind p is
	// acknowledged. It may be called several times for one position, for several targets.
	Leave(p Position, reason error)
}

// A Position is how far a Source was read. Only the Source that returned it can interpret it:
// it is the cursor of a feed, or the number of a message.
type Position string
