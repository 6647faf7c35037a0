package relay

import (
	"context"
	"fmt"
	"slices"
)

// A heldPosition is a position of the source that is acknowledged when every sink has
// exported its input.
type heldPosition struct {
	position Position
	inputs   []uint64 // in the order of the sinks
}

// acknowledge acknowledges a position to the source. As long as halves wait in a sink, it
// acknowledges an earlier position instead.
func (c *copier) acknowledge(ctx context.Context, p Position) error {
	if len(c.sinks) > 0 {
		held := heldPosition{position: p}
		for _, t := range c.sinks {
			held.inputs = append(held.inputs, t.notifier.LastInput())
		}
		c.waiting = append(c.waiting, held)
		return c.acknowledgeFinished(ctx)
	}
	return c.tell(ctx, p)
}

func (c *copier) tell(ctx context.Context, p Position) error {
	if err := c.source.Acknowledge(ctx, p); err != nil {
		return fmt.Errorf("everything was copied, but the source cannot be acknowledged: %w", err)
	}
	return nil
}

// acknowledgeFinished acknowledges the position up to which the sinks have exported
// everything.
func (c *copier) acknowledgeFinished(ctx context.Context) error {
	finished := make([]uint64, len(c.sinks))
	for i, t := range c.sinks {
		finished[i] = t.notifier.FinishedInput()
	}
	n := 0
	for n < len(c.waiting) && !slices.ContainsFunc(c.sinks, func(t *exporterTarget) bool {
		i := slices.Index(c.sinks, t)
		return c.waiting[n].inputs[i] > finished[i]
	}) {
		n++
	}
	if n == 0 {
		return nil
	}
	p := c.waiting[n-1].position
	c.waiting = slices.Delete(c.waiting, 0, n)
	return c.tell(ctx, p)
}

// flushSinks exports the halves that wait in the sinks, and acknowledges the remaining
// positions. held reports whether a position was unacknowledged before.
func (c *copier) flushSinks(ctx context.Context) (held bool, err error) {
	if len(c.sinks) == 0 || c.dryRun {
		return false, nil
	}
	held = len(c.waiting) > 0
	for i, target := range c.targets {
		if sink, ok := target.(*exporterTarget); ok {
			if err := sink.flush(ctx); err != nil {
				return held, fmt.Errorf("cannot write to the target: %w", err)
			}
			c.countRefused(sink, nil, &c.counts.Targets[i])
		}
	}
	return held, c.acknowledgeFinished(ctx)
}

// writeSpans gives a batch to a sink, which drops notifications that it got before.
func (c *copier) writeSpans(ctx context.Context, sink *exporterTarget, b *batch, counts *TargetCounts) error {
	before := sink.duplicates()
	if err := sink.take(ctx, b.notifications); err != nil {
		return fmt.Errorf("cannot write to the target: %w", err)
	}
	repeated := int(sink.duplicates() - before)
	counts.Present += repeated
	counts.Written += len(b.keys) - repeated
	c.countRefused(sink, b, counts)
	return nil
}

// countRefused counts and reports what a sink has refused.
func (c *copier) countRefused(sink *exporterTarget, b *batch, counts *TargetCounts) {
	var refused []int
	if b == nil {
		b = &batch{}
	}
	var reason error
	for _, r := range sink.takeRefusals(b.notifications) {
		counts.Refused += int(r.notifications())
		counts.Written -= int(r.notifications())
		if reason = r.reason; r.index >= 0 {
			refused = append(refused, r.index)
		}
	}
	if reason != nil {
		c.keep(&reason, b, refused)
		c.warning(fmt.Errorf("%s refuses some notifications: %w", sink.Name(), reason))
	}
}
