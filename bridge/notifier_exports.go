package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxBatch is the largest number of spans in one call of the exporter. The SDK's
// batch processor has the same default.
const maxBatch = 512

// export exports the pairs of the call, batch by batch. It records the end of the exports even
// if the exporter panics, because other calls may wait for the outcome.
func (c *call) export(ctx context.Context) error {
	pairs := c.pairs
	defer func() {
		if len(pairs) > 0 {
			c.counts.failedExports++
			c.endFailed(pairs)
		}
		clear(c.pairs)
		c.pairs = c.pairs[:0]
	}()
	for len(pairs) > 0 {
		batch := pairs[:min(len(pairs), maxBatch)]
		if err := c.exportBatch(ctx, batch); err != nil {
			return notExported(len(pairs), err)
		}
		now := c.n.now()
		for _, p := range batch {
			c.endExported(p, now)
		}
		pairs = pairs[len(batch):]
	}
	return nil
}

func (c *call) exportBatch(ctx context.Context, batch []pair) error {
	for _, p := range batch {
		c.spans = append(c.spans, c.n.convert.SpanOf(p.notifications()))
	}
	defer func() {
		clear(c.spans)
		c.spans = c.spans[:0]
	}()
	return c.n.destination.export(ctx, c.spans)
}

// endExported records the end of the export of a pair that was exported. Both halves leave the
// Notifier.
func (c *call) endExported(p pair, now time.Duration) {
	c.n.shardOf(p.first).endExported(p, now)
	c.counts.spans++
	if p.second == nil {
		c.counts.incomplete[p.reason]++
	}
	for _, h := range [...]*half{p.first, p.second} {
		if h == nil {
			continue
		}
		c.n.budget.release(h)
		if c.n.cfg.released != nil && h.reserved > 0 {
			c.n.cfg.released(h.sequence)
		}
		if h.input != nil {
			c.n.inputs.leave(h.input)
		}
		recycle(h)
	}
}

// endFailed records the end of the export of pairs that were not exported. The halves that had
// waited wait again. The others are in the notifications of the call, whose caller gets the
// error.
func (c *call) endFailed(pairs []pair) {
	for _, p := range pairs {
		for _, h := range [...]*half{p.first, p.second} {
			if h == nil {
				continue
			}
			waited := h.reserved > 0
			c.n.shardOf(h).endFailed(h, c.n.sequence.Add(1), c.began)
			if !waited {
				c.counts.failed++
				recycle(h)
			}
		}
	}
}

// An outcome reports whether the export of a half succeeded. A half has an outcome only if
// another call waits for it.
type outcome struct {
	ended    chan struct{} // closed when the export has ended
	exported bool          // to be read after ended is closed
}

// outcomeOf returns the outcome of a half that is being exported. The lock of the
// half's shard must be held.
func outcomeOf(h *half) *outcome {
	if h.outcome == nil {
		h.outcome = &outcome{ended: make(chan struct{})}
	}
	return h.outcome
}

// beginExport marks a half as being exported by a call.
func (s *shard) beginExport(h *half, by *call) {
	h.exportingCall = by
	s.exporting[h.value] = h
}

// endExport ends the export of a half and publishes its outcome.
func (s *shard) endExport(h *half, exported bool) {
	delete(s.exporting, h.value)
	if o := h.outcome; o != nil {
		o.exported = exported
		close(o.ended)
	}
	h.exportingCall, h.outcome = nil, nil
}

// endExported ends the export of a pair and remembers both halves.
func (s *shard) endExported(p pair, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range [...]*half{p.first, p.second} {
		if h != nil {
			s.exported.add(h, now)
			s.endExport(h, true)
		}
	}
}

// endFailed ends a failed export of a half. If the half had waited, it waits
// again as the newest, with the given order and time.
func (s *shard) endFailed(h *half, order uint64, since time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endExport(h, false)
	if h.reserved > 0 {
		h.waitOrder, h.waitsSince, h.exportFailed = order, since, true
		s.insert(h)
	}
}

// awaitExports waits until no other call exports notifications that came up to the sequence.
// The calling goroutine must export none itself, and must already have exported the waiting
// ones. awaitExports returns an error if exports failed, see errorOfFailed.
func (n *Notifier) awaitExports(ctx context.Context, sequence uint64) error {
	var outcomes []*outcome
	for i := range n.shards {
		outcomes = n.shards[i].appendOutcomes(outcomes, sequence)
	}
	for i, o := range outcomes {
		select {
		case <-o.ended:
		case <-ctx.Done():
			return fmt.Errorf("other calls are still exporting %s: %w", counted(len(outcomes)-i), context.Cause(ctx))
		}
	}
	return n.errorOfFailed(sequence)
}

// errorOfFailed returns an error that says how many notifications wait again
// because their export failed. It counts those that came up to the sequence.
func (n *Notifier) errorOfFailed(sequence uint64) error {
	failed := 0
	for i := range n.shards {
		failed += n.shards[i].countFailed(sequence)
	}
	switch failed {
	case 0:
		return nil
	case 1:
		return errors.New("1 notification waits again, because another call could not export it")
	}
	return fmt.Errorf("%d notifications wait again, because other calls could not export them", failed)
}

// countFailed counts the halves that came up to the sequence, whose export failed, and that
// wait again or are being exported again.
func (s *shard) countFailed(sequence uint64) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, left := s.waiting.oldest, s.waiting.exportFailed; left > 0; h = h.newer {
		if h.exportFailed {
			left--
			if h.sequence <= sequence {
				count++
			}
		}
	}
	for _, h := range s.exporting {
		if h.exportFailed && h.sequence <= sequence {
			count++
		}
	}
	return count
}

// appendOutcomes appends the outcomes of the halves that came up to the sequence,
// had waited, and are being exported.
func (s *shard) appendOutcomes(outcomes []*outcome, sequence uint64) []*outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.exporting {
		if h.reserved > 0 && h.sequence <= sequence {
			outcomes = append(outcomes, outcomeOf(h))
		}
	}
	return outcomes
}

// counted writes a number of notifications with the noun in singular or plural.
func counted(notifications int) string {
	if notifications == 1 {
		return "1 notification"
	}
	return fmt.Sprintf("%d notifications", notifications)
}

func notExported(spans int, err error) error {
	if spans == 1 {
		return fmt.Errorf("1 span of notifications was not exported: %w", err)
	}
	return fmt.Errorf("%d spans of notifications were not exported: %w", spans, err)
}
