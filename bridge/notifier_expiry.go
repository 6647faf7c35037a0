package bridge

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
)

// exportWaiting exports the oldest waiting halves within the limit, batch by batch.
func (n *Notifier) exportWaiting(ctx context.Context, limit waitLimit, why reason) error {
	for {
		more, err := n.exportWaitingBatch(ctx, limit, why)
		if !more || err != nil {
			return err
		}
	}
}

func (n *Notifier) exportWaitingBatch(ctx context.Context, limit waitLimit, why reason) (more bool, err error) {
	c := n.newCall(nil)
	defer n.endCall(c)
	for len(c.pairs) < maxBatch {
		p, ok := c.takeOldest(limit, why)
		if !ok {
			break
		}
		c.pairs = append(c.pairs, p)
	}
	return len(c.pairs) == maxBatch, c.export(ctx)
}

// exportAllWaiting exports the halves that are waiting now.
func (n *Notifier) exportAllWaiting(ctx context.Context, why reason) error {
	return n.exportWaiting(ctx, waitLimit{order: n.sequence.Load(), since: forever}, why)
}

// expire exports the halves that have waited too long, until Shutdown.
func (n *Notifier) expire() {
	defer close(n.expiryEnded)
	ctx, cancel := n.calls.Context(context.Background())
	defer cancel()
	ticker := time.NewTicker(min(max(n.cfg.maxAge/8, time.Millisecond), time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.expireNow(ctx)
		}
	}
}

// expiryTimeout bounds the export of the halves that have waited too long. The
// SDK's batch processor has the same default.
const expiryTimeout = 30 * time.Second

func (n *Notifier) expireNow(ctx context.Context) {
	now := n.now()
	for i := range n.shards {
		n.shards[i].forgetOld(now)
	}
	limit := waitLimit{order: n.sequence.Load(), since: now - n.cfg.maxAge}
	limited, cancel := context.WithTimeout(ctx, expiryTimeout)
	defer cancel()
	if err := n.exportWaiting(limited, limit, tooOld); err != nil && ctx.Err() == nil {
		otel.Handle(fmt.Errorf("cannot export operations that have waited too long for their end: %w", err))
	}
}
