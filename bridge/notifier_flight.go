package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A landing is the outcome of handing on a half. There is one only if another
// call waits for it.
type landing struct {
	known chan struct{} // closed when it is
	ok    bool          // read it after known
}

// await tells a half that is equal to one in flight what it is. In the flight
// of its own call it is a duplicate: that call's error is for both.
func (h *half) await(equal *half, by *call) verdict {
	if h.by == by {
		return duplicate
	}
	if h.landing == nil {
		h.landing = &landing{known: make(chan struct{})}
	}
	equal.landing = h.landing
	return inFlight
}

// fly marks a half as in flight.
func (s *shard) fly(h *half, by *call) {
	h.by = by
	s.flying[h.value] = h
}

// land ends the flight of a half, whose outcome is then known.
func (s *shard) land(h *half, ok bool) {
	delete(s.flying, h.value)
	if l := h.landing; l != nil {
		l.ok = ok
		close(l.known)
	}
	h.by, h.landing = nil, nil
}

// handed remembers that a pair was handed on.
func (s *shard) handed(p pair, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range [...]*half{p.first, p.second} {
		if h != nil {
			s.done.add(h, now)
			s.land(h, true)
		}
	}
}

// undo takes back that a half was to be handed on. If the half had waited, undo
// puts it back behind all others. It gets the given order and arrival time.
func (s *shard) undo(h *half, order uint64, arrived time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land(h, false)
	if h.held > 0 {
		h.order, h.arrived, h.returned = order, arrived, true
		s.insert(h, s.byKey[h.key])
	}
}

// awaitFlights waits until no other call exports notifications that came up to
// order. The caller must export none itself, and have exported all that waited.
// An error tells how many of them wait again because their export failed.
func (n *Notifier) awaitFlights(ctx context.Context, upTo uint64) error {
	var landings []*landing
	for i := range n.shards {
		landings = n.shards[i].flights(landings, upTo)
	}
	for i, l := range landings {
		select {
		case <-l.known:
		case <-ctx.Done():
			return fmt.Errorf("other calls are still exporting %s: %w", counted(len(landings)-i), context.Cause(ctx))
		}
	}
	return n.waitAgain(upTo)
}

// waitAgain returns an error if exports failed of notifications that came up to
// order, and these wait again.
func (n *Notifier) waitAgain(upTo uint64) error {
	failed := 0
	for i := range n.shards {
		failed += n.shards[i].countReturned(upTo)
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
func (s *shard) countReturned(upTo uint64) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, left := s.oldest, s.returned; left > 0; h = h.newer {
		if h.returned {
			left--
			if h.came <= upTo {
				count++
			}
		}
	}
	for _, h := range s.flying {
		if h.returned && h.came <= upTo {
			count++
		}
	}
	return count
}

// flights appends the landings of the halves in flight that had waited, up to
// that order.
func (s *shard) flights(landings []*landing, upTo uint64) []*landing {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.flying {
		if h.held > 0 && h.came <= upTo {
			if h.landing == nil {
				h.landing = &landing{known: make(chan struct{})}
			}
			landings = append(landings, h.landing)
		}
	}
	return landings
}

// settle learns what became of the halves that are equal to what other calls
// are handing on: those that were handed on are duplicates, the others are this
// call's to bring. Calls may wait for one another's halves, so a call waits only
// while none of its own are in flight.
func (c *call) settle(ctx context.Context) error {
	for len(c.pending) > 0 {
		if err := c.awaitLandings(ctx); err != nil {
			return err
		}
		landed := c.pending
		c.pending = nil // the next ones must not overwrite these
		for i, h := range landed {
			if err := c.again(ctx, h); err != nil {
				c.pending = append(c.pending, landed[i+1:]...)
				return err
			}
		}
		if err := c.deliver(ctx); err != nil {
			return err
		}
	}
	return nil
}

// awaitLandings waits until the outcome of all that the call waits for is known.
func (c *call) awaitLandings(ctx context.Context) error {
	for i, h := range c.pending {
		select {
		case <-h.landing.known:
		case <-ctx.Done():
			return fmt.Errorf("other calls are still exporting %s equal to those of this call: %w",
				counted(len(c.pending)-i), context.Cause(ctx))
		}
	}
	return nil
}

// again takes a half whose equal has landed.
func (c *call) again(ctx context.Context, h *half) error {
	if h.landing.ok {
		c.counts.duplicates++
		recycle(h)
		return nil
	}
	h.landing = nil
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

// rejectPending gives up the halves that were not settled.
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
