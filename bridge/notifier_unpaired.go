package bridge

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// Waiting returns the notifications that wait for their other half and came after the
// one with the number after, with their numbers, in no order. Notifications are numbered
// in the order in which Notify takes them. The next call of Waiting is given upTo, after
// the program has read all of halves. So a program that writes down what waits asks,
// after each Notify, for what is new: the time of Waiting grows with the number of those.
// [WithReleased] tells the rest.
//
// Other goroutines may call the Notifier meanwhile. A notification that is being exported
// does not wait. If its export fails, it waits again and is yielded again with the same
// number. So is a notification of a call that had not returned when upTo was determined.
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

// appendWaiting appends the halves that wait and came after the sequence, or began to
// wait again after it. Halves of calls at the same time may lie in the list in another
// order than that of their sequences. Those in front of which the loop ends were in the
// list when after was determined, so that an earlier call has them.
func (s *shard) appendWaiting(found []numbered, after uint64) []numbered {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := s.waiting.newest; h != nil && h.waitOrder > after; h = h.older {
		found = append(found, numbered{h.sequence, h.notification})
	}
	return found
}

// WithReleased calls f with the number of each notification that waited, when its span
// has been exported: see [Notifier.Waiting]. f is called by the goroutine that exported
// the span, before the call of the Notifier returns. Several goroutines may do so at once.
// f must not call the Notifier. A program that writes down what waits while others call
// the Notifier holds one lock in f and while it reads and writes down what [Notifier.Waiting]
// returns; then it hears of the release of a half after it has written the half down.
func WithReleased(f func(number uint64)) NotifierOption {
	return notifierOption(func(c *notifierConfig) { c.released = f })
}

// ExportOlder exports the halves that have waited for at least the age, the oldest
// first, as the Notifier itself does with those that have waited for the time of
// [WithMaxAge]. After an error, the halves that were not exported wait again.
func (n *Notifier) ExportOlder(ctx context.Context, age time.Duration) error {
	if !n.calls.Enter() {
		return ErrNotifierShutdown
	}
	defer n.calls.Leave()
	return n.exportWaiting(ctx, waitLimit{order: n.sequence.Load(), since: n.now() - age}, tooOld)
}
