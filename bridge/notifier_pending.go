package bridge

import (
	"context"
	"fmt"
)

// await decides about equal, a half that equals h while h is being exported. If both are in
// the same call, equal is a duplicate, because the error of the call applies to both. If equal
// is in another call, it waits for the outcome of the export.
func (h *half) await(equal *half, by *call) decision {
	if h.exportingCall == by {
		return duplicate
	}
	equal.outcome = outcomeOf(h)
	return equalBeingExported
}

// resolvePending waits for the outcomes of the halves that are equal to halves that other
// calls export. A half whose equal half was exported is a duplicate. The call takes each other
// half as if it had come first. Calls may wait for one another's halves, so a call waits only
// while it exports none itself.
func (c *call) resolvePending(ctx context.Context) error {
	for len(c.pending) > 0 {
		if err := c.awaitOutcomes(ctx); err != nil {
			return err
		}
		pending := c.pending
		c.pending = nil // the next pending halves must not overwrite these
		for i, h := range pending {
			if err := c.resolve(ctx, h); err != nil {
				c.pending = append(c.pending, pending[i+1:]...)
				return err
			}
		}
		if err := c.export(ctx); err != nil {
			return err
		}
	}
	return nil
}

// awaitOutcomes waits until the outcomes of all pending halves are known.
func (c *call) awaitOutcomes(ctx context.Context) error {
	for i, h := range c.pending {
		select {
		case <-h.outcome.ended:
		case <-ctx.Done():
			return fmt.Errorf("other calls are still exporting %s equal to those of this call: %w",
				counted(len(c.pending)-i), context.Cause(ctx))
		}
	}
	return nil
}

// resolve takes a half after the export of the equal half has ended.
func (c *call) resolve(ctx context.Context, h *half) error {
	if h.outcome.exported {
		c.counts.duplicates++
		recycle(h)
		return nil
	}
	h.outcome = nil
	h.sequence, h.waitsSince = c.n.sequence.Add(1), c.n.now()
	h.waitOrder = h.sequence
	if err := c.offer(ctx, h); err != nil {
		c.counts.rejected++
		return err
	}
	if len(c.pairs) >= maxBatch {
		return c.export(ctx)
	}
	return nil
}

// rejectPending rejects the halves that resolvePending did not take.
func (c *call) rejectPending() {
	c.counts.rejected += int64(len(c.pending))
	for _, h := range c.pending {
		recycle(h)
	}
	clear(c.pending)
}
