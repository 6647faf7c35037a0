package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An outcome tells whether the export of a half succeeded. A half has one only
// if another call waits for it.
type outcome struct {
	known chan struct{} // closed when the export has ended
	ok    bool          // read it after known
}

// await decides about equal, which is equal to h while h is being exported. In
// the same call equal is a duplicate, because the error of the call is for both.
// In another call equal waits for the outcome of the export.
func (h *half) await(equal *half, by *call) verdict {
	if h.by == by {
		return duplicate
	}
	if h.outcome == nil {
		h.outcome = &outcome{known: make(chan struct{})}
	}
	equal.outcome = h.outcome
	return beingExported
}

// beginExport marks a half as being exported by a call.
func (s *shard) beginExport(h *half, by *call) {
	h.by = by
	s.exporting[h.value] = h
}

// endExport ends the export of a half and makes its outcome known.
func (s *shard) endExport(h *half, ok bool) {
	delete(s.exporting, h.value)
	if o := h.outcome; o != nil {
		o.ok = ok
		close(o.known)
	}
	h.by, h.outcome = nil, nil
}

// handed remembers that a pair was handed on.
func (s *shard) handed(p pair, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range [...]*half{p.first, p.second} {
		if h != nil {
			s.done.add(h, now)
			s.endExport(h, true)
		}
	}
}

// undo takes back that a half was to be handed on. If the half had waited, undo
// puts it back behind all others. It gets the given order and arrival time.
func (s *shard) undo(h *half, order uint64, arrived time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endExport(h, false)
	if h.held > 0 {
		h.order, h.arrived, h.returned = order, arrived, true
		s.insert(h, s.byKey[h.key])
	}
}

// awaitExports waits until no other call exports notifications that came up to
// order. The caller must export none itself, and must have exported those that
// waited. awaitExports returns an error if exports failed, see waitAgain.
func (n *Notifier) awaitExports(ctx context.Context, order uint64) error {
	var outcomes []*outcome
	for i := range n.shards {
		outcomes = n.shards[i].outcomesOf(outcomes, order)
	}
	for i, o := range outcomes {
		select {
		case <-o.known:
		case <-ctx.Done():
			return fmt.Errorf("other calls are still exporting %s: %w", counted(len(outcomes)-i), context.Cause(ctx))
		}
	}
	return n.waitAgain(order)
}

// waitAgain returns an error that tells how many notifications wait again
// because their export failed. It counts those that came up to order.
func (n *Notifier) waitAgain(order uint64) error {
	failed := 0
	for i := range n.shards {
		failed += n.shards[i].countReturned(order)
	}
	switch failed {
	case 0:
		return nil
	case 1:
		return errors.New("1 notification waits again, because another call could not export it")
	}
	return fmt.Errorf("%d notifications wait again, because other calls could not export them", failed)
}

// countReturned counts the halves that came up to order, whose export failed,
// and that wait again or are being exported again.
func (s *shard) countReturned(order uint64) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, left := s.oldest, s.returned; left > 0; h = h.newer {
		if h.returned {
			left--
			if h.came <= order {
				count++
			}
		}
	}
	for _, h := range s.exporting {
		if h.returned && h.came <= order {
			count++
		}
	}
	return count
}

// outcomesOf appends the outcomes of the halves that came up to order, had
// waited, and are being exported.
func (s *shard) outcomesOf(outcomes []*outcome, order uint64) []*outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.exporting {
		if h.held > 0 && h.came <= order {
			if h.outcome == nil {
				h.outcome = &outcome{known: make(chan struct{})}
			}
			outcomes = append(outcomes, h.outcome)
		}
	}
	return outcomes
}

// settle waits for the outcomes of the halves that are equal to halves which
// other calls export. A half whose equal was exported is a duplicate. The call
// takes each other half as if it had come first. Calls may wait for one
// another's halves, so a call waits only while it exports none itself.
func (c *call) settle(ctx context.Context) error {
	for len(c.pending) > 0 {
		if err := c.awaitOutcomes(ctx); err != nil {
			return err
		}
		pending := c.pending
		c.pending = nil // the next ones must not overwrite these
		for i, h := range pending {
			if err := c.again(ctx, h); err != nil {
				c.pending = append(c.pending, pending[i+1:]...)
				return err
			}
		}
		if err := c.deliver(ctx); err != nil {
			return err
		}
	}
	return nil
}

// awaitOutcomes waits until the outcomes of all pending halves are known.
func (c *call) awaitOutcomes(ctx context.Context) error {
	for i, h := range c.pending {
		select {
		case <-h.outcome.known:
		case <-ctx.Done():
			return fmt.Errorf("other calls are still exporting %s equal to those of this call: %w",
				counted(len(c.pending)-i), context.Cause(ctx))
		}
	}
	return nil
}

// again takes a half after the export of its equal has ended.
func (c *call) again(ctx context.Context, h *half) error {
	if h.outcome.ok {
		c.counts.duplicates++
		recycle(h)
		return nil
	}
	h.outcome = nil
	h.came, h.arrived = c.n.order.Add(1), time.Since(c.n.began)
	h.order = h.came
	if err := c.place(ctx, h); err != nil {
		c.counts.rejected++
		return err
	}
	if len(c.pairs) >= maxBatch {
		return c.deliver(ctx)
	}
	return nil
}

// rejectPending rejects the halves that settle did not take.
func (c *call) rejectPending() {
	c.counts.rejected += int64(len(c.pending))
	for _, h := range c.pending {
		recycle(h)
	}
	clear(c.pending)
}

// counted writes a number of notifications with the noun.
func counted(notifications int) string {
	if notifications == 1 {
		return "1 notification"
	}
	return fmt.Sprintf("%d notifications", notifications)
}
