package bridge

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// maxBatch is how many spans the exporter is given at most in one call, as many
// as the SDK's batch processor gives by default.
const maxBatch = 512

// A call is one call of Notify, or one batch of Flush, Shutdown or expire.
type call struct {
	n             *Notifier
	notifications []osprofiler.Notification
	before        uint64        // the order of the one before the first
	now           time.Duration // since the Notifier began
	pairs         []pair        // to be handed on
	pending       []*half       // equal to what other calls are handing on
	spans         []sdktrace.ReadOnlySpan
	counts        counts
	invalid       error // of the first one that was refused
}

var (
	calls  = sync.Pool{New: func() any { return new(call) }}
	halves = sync.Pool{New: func() any { return new(half) }}
)

func (n *Notifier) newCall(notifications []osprofiler.Notification) *call {
	c := calls.Get().(*call)
	c.n, c.notifications = n, notifications
	c.now = time.Since(n.began)
	c.counts.received = int64(len(notifications))
	c.before = n.order.Add(uint64(len(notifications))) - uint64(len(notifications))
	return c
}

func (n *Notifier) endCall(c *call) {
	n.totals.add(&c.counts)
	*c = call{pairs: c.pairs[:0], pending: c.pending[:0], spans: c.spans[:0]}
	calls.Put(c)
}

// run takes the notifications one by one and hands on what they complete.
func (c *call) run(ctx context.Context) error {
	var err error
	taken := 0
	for ; taken < len(c.notifications) && err == nil; taken++ {
		if err = c.notify(ctx, taken); err != nil {
			break
		}
		if len(c.pairs) >= maxBatch || taken == len(c.notifications)-1 {
			err = c.deliver(ctx)
		}
	}
	c.counts.rejected += int64(len(c.notifications) - taken)
	if err == nil {
		err = c.settle(ctx)
	}
	c.rejectPending()
	if c.invalid != nil {
		return errors.Join(c.invalid, err)
	}
	return err
}

// notify takes one notification. An error means that there was no room for it
// and none was to be made.
func (c *call) notify(ctx context.Context, i int) error {
	h := halves.Get().(*half)
	if err := c.n.read(h, &c.notifications[i]); err != nil {
		c.counts.rejected++
		if c.invalid == nil {
			c.invalid = fmt.Errorf("a notification was refused: %w", err)
		}
		recycle(h)
		return nil
	}
	h.came, h.arrived = c.before+uint64(i)+1, c.now
	h.order = h.came
	return c.place(ctx, h)
}

// place finds a place for a half; with an error, it has none.
func (c *call) place(ctx context.Context, h *half) error {
	for {
		switch v, p := c.n.shardOf(h).offer(&c.n.budget, h, c); v {
		case waits:
			return nil
		case duplicate:
			c.counts.duplicates++
			recycle(h)
			return nil
		case beingExported:
			c.pending = append(c.pending, h)
			return nil
		case paired, alone:
			c.pairs = append(c.pairs, p)
			return nil
		case noRoom:
			if err := c.makeRoom(ctx, h, p.why); err != nil {
				recycle(h)
				return err
			}
		case crowded:
			c.pairs = append(c.pairs, p)
		}
	}
}

// makeRoom hands on what waits the longest, and what else is to be handed on,
// so that there is room for a half: for it and some more, since they make one
// batch. Where all room is held by what other calls are handing on, it waits
// for them a moment.
func (c *call) makeRoom(ctx context.Context, h *half, short reason) error {
	const part = 64
	b := &c.n.budget
	halves, bytes := int64(1), h.size()
	if short == tooMany {
		halves = max(halves, b.mostCount/part)
	} else {
		bytes = max(bytes, b.mostBytes/part)
	}
	for (halves > 0 || bytes > 0 && short == tooLarge) && len(c.pairs) < maxBatch {
		p, ok := c.takeOldest(mark{order: none, arrived: forever}, short)
		if !ok {
			break
		}
		c.pairs = append(c.pairs, p)
		halves, bytes = halves-1, bytes-p.first.held
	}
	if len(c.pairs) > 0 {
		return c.deliver(ctx)
	}
	select {
	case <-time.After(time.Millisecond):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("there is no room for more notifications: %w", context.Cause(ctx))
	}
}

func recycle(h *half) {
	*h = half{}
	halves.Put(h)
}

// read makes a half of a notification, unless that is invalid.
func (n *Notifier) read(h *half, from *osprofiler.Notification) error {
	h.notification = *from
	info, plain := n.sumOf(from.Info)
	if !plain {
		if err := from.Validate(); err != nil {
			return err
		}
		h.notification.Info = osprofiler.Info(strings.Trim(string(from.Info), " \t"))
		info, plain = n.sumOf(h.notification.Info)
	}
	h.stop = from.Half() == osprofiler.Stop
	h.key = mixed(maphash.String(n.seed, from.BaseID), maphash.String(n.seed, from.TraceID))
	if !plain || !from.Plain() {
		h.value = pyjson.Hash(n.seed, h.notification.JSON())
		return nil
	}
	h.value = mixed(h.key, info)
	for _, text := range [...]string{from.Name, from.ParentID, from.Timestamp, from.Project, from.Service} {
		h.value = mixed(h.value, maphash.String(n.seed, text))
	}
	return nil
}

// sumOf hashes an info; ok is false if it is not just a JSON object on one line.
func (n *Notifier) sumOf(info osprofiler.Info) (sum uint64, ok bool) {
	if info == "" {
		info = "{}"
	}
	text := string(info)
	if text[0] != '{' || strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return 0, false
	}
	return pyjson.Sum(n.seed, text)
}

// mixed makes one hash of two, whose order counts.
func mixed(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD1B54A32D192ED03)
	return high ^ low
}

func (n *Notifier) shardOf(h *half) *shard { return &n.shards[h.key%shardCount] }

// takeOldest takes the oldest half of all shards, if it stands before the mark.
func (c *call) takeOldest(until mark, why reason) (pair, bool) {
	for {
		var oldest *shard
		first := uint64(none)
		for i := range c.n.shards {
			if since := c.n.shards[i].since.Load(); since < first {
				oldest, first = &c.n.shards[i], since
			}
		}
		if oldest == nil || first > until.order {
			return pair{}, false
		}
		if p, ok := oldest.takeOldest(until, c, why); ok {
			return p, true
		}
		if oldest.since.Load() == first {
			return pair{}, false // it came too late for the mark
		}
	}
}

// deliver hands on the pairs of the call, batch by batch. None is being exported
// when it ends, even if the exporter panics: other calls may be waiting for them.
func (c *call) deliver(ctx context.Context) error {
	pairs := c.pairs
	defer func() {
		if len(pairs) > 0 {
			c.counts.failedExports++
			c.undo(pairs)
		}
		clear(c.pairs)
		c.pairs = c.pairs[:0]
	}()
	for len(pairs) > 0 {
		batch := pairs[:min(len(pairs), maxBatch)]
		if err := c.hand(ctx, batch); err != nil {
			return fmt.Errorf("%d spans of notifications were not exported: %w", len(pairs), err)
		}
		now := time.Since(c.n.began)
		for _, p := range batch {
			c.handed(p, now)
		}
		pairs = pairs[len(batch):]
	}
	return nil
}

func (c *call) hand(ctx context.Context, batch []pair) error {
	for _, p := range batch {
		c.spans = append(c.spans, c.n.convert.SpanOf(p.halves()))
	}
	defer func() {
		clear(c.spans)
		c.spans = c.spans[:0]
	}()
	return c.n.to.hand(ctx, c.spans)
}

// halves gives the notifications by what they are.
func (p pair) halves() (start, stop *osprofiler.Notification) {
	for _, h := range [...]*half{p.first, p.second} {
		switch {
		case h == nil:
		case h.stop:
			stop = &h.notification
		default:
			start = &h.notification
		}
	}
	return start, stop
}

func (c *call) handed(p pair, now time.Duration) {
	c.n.shardOf(p.first).handed(p, now)
	c.counts.spans++
	if p.second == nil {
		c.counts.incomplete[p.why]++
	}
	for _, h := range [...]*half{p.first, p.second} {
		if h != nil {
			c.n.budget.give(h)
			recycle(h)
		}
	}
}

// undo takes back that pairs were handed on. Those that had waited wait again;
// the others are the caller's.
func (c *call) undo(pairs []pair) {
	for _, p := range pairs {
		for _, h := range [...]*half{p.first, p.second} {
			if h == nil {
				continue
			}
			waited := h.held > 0
			c.n.shardOf(h).undo(h, c.n.order.Add(1), c.now)
			if !waited {
				c.counts.failed++
				recycle(h)
			}
		}
	}
}
