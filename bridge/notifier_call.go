package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// A call is one call of Notify, or one batch of Flush, Shutdown or the expiry.
type call struct {
	n             *Notifier
	notifications []osprofiler.Notification
	input         *input        // of Notify
	before        uint64        // the sequence of the last notification of earlier calls
	began         time.Duration // since the Notifier began
	pairs         []pair        // the pairs to be exported
	pending       []*half       // halves that are equal to halves that other calls export
	spans         []sdktrace.ReadOnlySpan
	counts        counts
	invalid       error // about the first invalid notification
	older, newer  *call // the neighbours in the list of calls in progress
}

var callPool = sync.Pool{New: func() any { return new(call) }}

func (n *Notifier) newCall(notifications []osprofiler.Notification) *call {
	c := callPool.Get().(*call)
	c.n, c.notifications = n, notifications
	c.began = n.now()
	c.counts.received = int64(len(notifications))
	n.beginCall(c)
	return c
}

func (n *Notifier) endCall(c *call) {
	n.underWay.end(c)
	n.totals.add(&c.counts)
	*c = call{pairs: c.pairs[:0], pending: c.pending[:0], spans: c.spans[:0]}
	callPool.Put(c)
}

// run takes the notifications one by one and exports the operations that they complete.
func (c *call) run(ctx context.Context) error {
	c.input = c.n.inputs.begin()
	defer c.n.inputs.leave(c.input)
	var err error
	taken := 0
	for ; taken < len(c.notifications) && err == nil; taken++ {
		if err = c.take(ctx, taken); err != nil {
			break
		}
		if len(c.pairs) >= maxBatch || taken == len(c.notifications)-1 {
			err = c.export(ctx)
		}
	}
	c.counts.rejected += int64(len(c.notifications) - taken)
	if err == nil {
		err = c.resolvePending(ctx)
	}
	c.rejectPending()
	if c.invalid != nil {
		return errors.Join(c.invalid, err)
	}
	return err
}

// take takes one notification. An error means that there was no room for it.
func (c *call) take(ctx context.Context, i int) error {
	h := halfPool.Get().(*half)
	if err := c.n.read(h, &c.notifications[i]); err != nil {
		c.counts.rejected++
		if c.invalid == nil {
			c.invalid = fmt.Errorf("a notification was refused: %w", err)
		}
		recycle(h)
		return nil
	}
	h.sequence, h.waitsSince = c.before+uint64(i)+1, c.began
	h.waitOrder = h.sequence
	return c.offer(ctx, h)
}

// offer offers a half to its shard until the shard takes it. After an error, the half is
// dropped.
func (c *call) offer(ctx context.Context, h *half) error {
	for {
		switch d, p := c.n.shardOf(h).offer(c.n, h, c); d {
		case waits:
			return nil
		case duplicate:
			c.counts.duplicates++
			recycle(h)
			return nil
		case equalBeingExported:
			c.pending = append(c.pending, h)
			return nil
		case paired, tooLargeToWait:
			c.pairs = append(c.pairs, p)
			return nil
		case noRoom:
			if err := c.makeRoom(ctx, h, p.reason); err != nil {
				recycle(h)
				return err
			}
		case tooManyOfID:
			c.pairs = append(c.pairs, p)
		}
	}
}

// makeRoom exports the pairs of the call and the halves that have waited the longest. This
// makes room for h and for some more halves, because the exported ones fill one batch. If
// other calls are exporting all waiting halves, makeRoom waits for a moment.
func (c *call) makeRoom(ctx context.Context, h *half, short reason) error {
	const part = 64
	b := &c.n.budget
	halves, bytes := int64(1), h.size()
	if short == tooMany {
		halves = max(halves, b.maxCount/part)
	} else {
		bytes = max(bytes, b.maxBytes/part)
	}
	for (halves > 0 || bytes > 0 && short == tooLarge) && len(c.pairs) < maxBatch {
		p, ok := c.takeOldest(waitLimit{order: none, since: forever}, short)
		if !ok {
			break
		}
		c.pairs = append(c.pairs, p)
		halves, bytes = halves-1, bytes-p.first.reserved
	}
	if len(c.pairs) > 0 {
		return c.export(ctx)
	}
	select {
	case <-time.After(time.Millisecond):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("there is no room for more notifications: %w", context.Cause(ctx))
	}
}

// takeOldest takes the oldest half of all shards, if it is within the limit.
func (c *call) takeOldest(limit waitLimit, why reason) (pair, bool) {
	for {
		var oldest *shard
		first := uint64(none)
		for i := range c.n.shards {
			if order := c.n.shards[i].oldestOrder.Load(); order < first {
				oldest, first = &c.n.shards[i], order
			}
		}
		if oldest == nil || first > limit.order {
			return pair{}, false
		}
		if p, ok := oldest.takeOldest(limit, c, why); ok {
			return p, true
		}
		if oldest.oldestOrder.Load() == first {
			return pair{}, false // it has not waited long enough
		}
	}
}

func (n *Notifier) shardOf(h *half) *shard { return &n.shards[h.ids%shardCount] }
