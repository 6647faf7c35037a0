package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/store"
)

// flush writes to each target the notifications of the window that the target lacks. Then it
// acknowledges what was read, and begins a new window.
func (c *copier) flush(ctx context.Context) error {
	position := c.source.Position()
	for i, target := range c.targets {
		if len(c.window.notifications) == 0 {
			break
		}
		if err := c.flushTo(ctx, target, &c.counts.Targets[i]); err != nil {
			return err
		}
	}
	c.window.reset()
	if c.dryRun {
		return nil
	}
	return c.acknowledge(ctx, position)
}

func (c *copier) flushTo(ctx context.Context, target Target, counts *TargetCounts) error {
	has := make([]bool, len(c.window.notifications))
	comparing, _ := target.(comparer)
	if comparing != nil {
		if err := comparing.compare(ctx, c.window, has, c.warnOfTarget); err != nil {
			return fmt.Errorf("cannot read the target: %w", err)
		}
	}
	for _, present := range has {
		if present {
			counts.Present++
		}
	}
	for b := range c.window.lacking(has) {
		stored, err := c.write(ctx, target, b, counts)
		if err == nil && comparing != nil {
			err = comparing.stored(stored)
		}
		if err != nil {
			return err
		}
		c.progress(c.counts)
	}
	return nil
}

func (c *copier) warnOfTarget(err error) {
	// If the temporary file cannot be written, the later steps fail as well.
	_, _ = c.warn(fmt.Errorf("in the target: %w", err))
}

// write writes a batch, and returns the keys of the stored notifications. Notifications that
// the target refuses individually are counted and reported as a warning. Any other failure
// ends the copying.
func (c *copier) write(ctx context.Context, target Target, b *batch, counts *TargetCounts) (stored []key, err error) {
	if c.dryRun {
		counts.Written += len(b.keys)
		return b.keys, nil
	}
	if sink, ok := target.(*exporterTarget); ok {
		return b.keys, c.writeSpans(ctx, sink, b, counts)
	}
	err = target.Write(ctx, b.notifications)
	var partial *store.WriteError
	if errors.As(err, &partial) && ctx.Err() == nil &&
		len(partial.Refused) > 0 && len(partial.Refused) == len(partial.Missing) {
		c.keep(&err, b, partial.Refused)
		c.warning(err)
		counts.Refused += len(partial.Refused)
		counts.Written += len(b.keys) - len(partial.Refused)
		return without(b.keys, partial.Refused), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write to the target: %w", err)
	}
	counts.Written += len(b.keys)
	return b.keys, nil
}

// keep leaves in the source the notifications that the target refuses, because they are
// stored nowhere else.
func (c *copier) keep(err *error, b *batch, refused []int) {
	if c.taker == nil {
		return
	}
	keys := make(map[key]bool, len(refused))
	for _, i := range refused {
		keys[b.keys[i]] = true
	}
	for _, p := range c.window.positions {
		if keys[p.key] {
			c.taker.leave(p.position)
		}
	}
	*err = fmt.Errorf("%w; the refused notifications stay in %s", *err, c.source.Name())
}

// without returns the keys except those at the indices.
func without(keys []key, indices []int) (rest []key) {
	left := make(map[int]bool, len(indices))
	for _, i := range indices {
		left[i] = true
	}
	for i, k := range keys {
		if !left[i] {
			rest = append(rest, k)
		}
	}
	return rest
}
