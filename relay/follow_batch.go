package relay

import (
	"context"
	"errors"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An indexed is a batch of a delivery.
type indexed struct {
	indices       []int // into the notifications of the delivery
	notifications []osprofiler.Notification
}

// fill fills the batch from indices[at:], and returns the index at which the next batch
// begins.
func (b *indexed) fill(d *delivery, indices []int, at int) (next int) {
	b.indices, b.notifications = b.indices[:0], b.notifications[:0]
	bytes := 0
	for next = at; next < len(indices) && len(b.indices) < batchCount; next++ {
		n := d.notifications[indices[next]]
		if bytes += n.Size(); bytes > batchBytes && next > at {
			break
		}
		b.indices, b.notifications = append(b.indices, indices[next]), append(b.notifications, n)
	}
	return next
}

// writeBatch writes a batch, except the notifications that the target refuses permanently.
func (w *worker) writeBatch(ctx context.Context, d *delivery, b *indexed) error {
	count := len(b.indices)
	refused := 0
	err := w.f.repeat(ctx, &w.health, w.what(), func() error {
		err := w.target.Write(ctx, b.notifications)
		if err == nil || ctx.Err() != nil {
			return err
		}
		more, rest := b.outcome(err)
		for _, i := range more {
			d.refuse(refusal{index: b.indices[i], notification: b.notifications[i], target: w.name, reason: err})
		}
		refused += len(more)
		if b.keep(rest); len(b.indices) == 0 {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	w.refused.Add(int64(refused))
	w.forwarded.Add(int64(count - refused))
	return nil
}

// outcome evaluates the error of a Write. It returns which notifications of the batch are
// refused permanently, and which are to be written again.
func (b *indexed) outcome(err error) (refused, rest []int) {
	var partial *store.WriteError
	if !errors.As(err, &partial) {
		for i := range b.notifications {
			if b.notifications[i].Validate() != nil {
				refused = append(refused, i)
			} else {
				rest = append(rest, i)
			}
		}
		return refused, rest
	}
	missing := partial.Missing
	if len(missing) == 0 {
		missing = allOf(len(b.indices))
	}
	for _, i := range missing {
		switch {
		case i < 0 || i >= len(b.indices):
		case slices.Contains(partial.Refused, i):
			refused = append(refused, i)
		default:
			rest = append(rest, i)
		}
	}
	return refused, rest
}

// keep removes all elements of the batch except those with these indices.
func (b *indexed) keep(rest []int) {
	for at, i := range rest {
		b.indices[at], b.notifications[at] = b.indices[i], b.notifications[i]
	}
	b.indices, b.notifications = b.indices[:len(rest)], b.notifications[:len(rest)]
}
