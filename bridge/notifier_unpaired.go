package bridge

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// Waiting returns the notifications that wait for their other half and whose number is greater
// than after, with their numbers, in no order. Notifications are numbered in the order in
// which Notify takes them. The program reads all of halves, and passes upTo as after to the
// next call. So a program that persists the waiting notifications calls Waiting after each
// Notify, and gets only the new ones. The duration of Waiting grows with the number of those.
// [WithReleased] reports which notifications no longer wait.
//
// Other goroutines may call the Notifier at the same time. A notification that is being
// exported does not wait. If its export fails, it waits again and is yielded again with the
// same number. The same is true of a notification whose call had not returned when upTo was
// determined.
func (n *Notifier) Waiting(after uint64) (upTo uint64, halves iter.Seq2[uint64, osprofiler.Notification]) {
	return n.settled(), func(yield func(uint64, osprofiler.Notification) bool) {
		var found []numbered
		for i := range n.shards {
			found = n.shards[i].appendWaiting(found[:0], after)
			for _, f := range found {
				if !yield(f.number, f.notification) {
					return
				}
			}
		}
	}
}

type numbered struct {
	number       uint64
	notification osprofiler.Notification
}

// appendWaiting appends the halves that wait and came after the sequence, or began to wait
// again after it. Concurrent calls may put their halves into the list in another order than
// that of their sequences. The halves before which the loop ends were in the list when after
// was determined, so that an earlier call has returned them.
func (s *shard) appendWaiting(found []numbered, after uint64) []numbered {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := s.waiting.newest; h != nil && h.waitOrder > after; h = h.older {
		found = append(found, numbered{h.sequence, h.notification})
	}
	return found
}

// WithReleased calls f with the number of each notification that waited, when its span has
// been exported: see [Notifier.Waiting]. The goroutine that exported the span calls f, before
// the call of the Notifier returns. Several goroutines may do so at once. f must not call the
// Notifier. A program may persist waiting notifications while other goroutines call the
// Notifier. It must then hold one lock in f, and hold the same lock while it reads and
// persists the result of [Notifier.Waiting]. So f reports the release of a half only after the
// half was persisted.
func WithReleased(f func(number uint64)) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.released = f })
}

// ExportOlder exports the halves that have waited for at least the age, the oldest first, as
// the Notifier itself does with halves that have waited for the time of [WithMaxAge]. After an
// error, the halves that were not exported wait again.
func (n *Notifier) ExportOlder(ctx context.Context, age time.Duration) error {
	if !n.calls.Enter() {
		return ErrNotifierShutdown
	}
	defer n.calls.Leave()
	return n.exportWaiting(ctx, waitLimit{order: n.sequence.Load(), since: n.now() - age}, tooOld)
}
