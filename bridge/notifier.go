package bridge

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// ErrNotifierShutdown is what a Notifier's methods return after Shutdown.
var ErrNotifierShutdown = errors.New("the notifier is shut down")

// A Notifier makes spans of notifications from anywhere (a store, a message
// bus, a file, other processes) and hands them on. The spans have the ids,
// times, kind, name, attributes and status that the notifications tell, and one
// resource for each project, service and host; package convert says how.
//
// The two notifications of an operation are paired by base_id and trace_id,
// whatever their order and whoever brings them. Half an operation waits for its
// other half, within three bounds: how many may wait, how much memory they may
// hold, and how long each may wait. What the bounds force out, the oldest first
// and some at once, and what Flush and Shutdown find waiting, becomes an
// incomplete span: it has the attribute [convert.MissingKey], and both its
// times are those of the half there was.
//
// Of equal notifications one counts, even if its operation was handed on
// already, as far as the Notifier remembers: see [WithDuplicateWindow]. A
// different notification with the ids of an earlier one is no duplicate: it
// becomes, with a partner of its own or without, a span of its own.
//
// A Notifier may be used by many goroutines. It buffers nothing but the halves
// that wait. What it hands spans to is not shut down by it.
type Notifier struct {
	cfg     notifierConfig
	to      destination
	convert *convert.Converter
	seed    maphash.Seed
	began   time.Time

	shards [shardCount]shard
	budget budget
	order  atomic.Uint64 // of notifications, in which they came
	totals totals

	gate    gate
	stop    context.CancelFunc // of expire
	stopped chan struct{}      // expire has ended
}

// NewNotifier returns a Notifier that hands its spans to an exporter, within
// the calls that complete them: a call returns when its spans are exported, with
// the exporter's error. As the SDK's processors do, it makes no two calls of the
// exporter at the same time, unless [WithConcurrentExports] allows it.
//
// Shut the Notifier down before the exporter.
func NewNotifier(to sdktrace.SpanExporter, opts ...NotifierOption) *Notifier {
	cfg := newNotifierConfig(opts)
	return newNotifier(newExportDestination(to, cfg.concurrentExports), cfg)
}

// NewProcessorNotifier returns a Notifier that hands its spans to a processor:
// to its OnEnd alone, as they never were live. A processor reports no errors of
// its own, so that no call of the Notifier fails for them.
//
// Shut the Notifier down before the processor.
func NewProcessorNotifier(to sdktrace.SpanProcessor, opts ...NotifierOption) *Notifier {
	return newNotifier(processorDestination{to}, newNotifierConfig(opts))
}

func newNotifier(to destination, cfg notifierConfig) *Notifier {
	ctx, stop := context.WithCancel(context.Background())
	n := &Notifier{
		cfg:     cfg,
		to:      to,
		convert: convert.New(cfg.conversion...),
		seed:    maphash.MakeSeed(),
		began:   time.Now(),
		budget:  budget{mostCount: int64(cfg.maxWaiting), mostBytes: cfg.maxBytes},
		gate:    newGate(),
		stop:    stop,
		stopped: make(chan struct{}),
	}
	for i := range n.shards {
		n.shards[i].init(cfg.rememberCount/(2*shardCount), cfg.rememberTime)
	}
	go n.expire(ctx)
	return n
}

// Notify takes notifications. Those that complete operations are handed on as
// spans before it returns; the others wait.
//
// nil means that each was taken: it is in a span that was handed on, it waits,
// or it is a duplicate of one of which that is true, so that a caller may drop
// or acknowledge it. While another call is still handing on an equal one,
// Notify waits for the outcome: with a failure, its own is taken as if it had
// come first. After an error, notify the same ones again, all of
// them: those that were taken then count as duplicates. Halves that had waited
// are never lost by it: they wait again. Only an invalid notification is
// refused for good ([osprofiler.Notification.Validate]); the others of its call
// are taken.
//
// Notify waits for the exporter, for other calls' exports of equal notifications
// and, where the exporter is not to be called twice at once, for all their
// exports: for those of others never longer than the context lets it. It
// keeps the notifications that wait, and with each the text that it was parsed
// from, but not the slice.
func (n *Notifier) Notify(ctx context.Context, notifications ...osprofiler.Notification) error {
	if len(notifications) == 0 {
		return nil
	}
	c := n.newCall(notifications)
	defer n.endCall(c)
	if !n.gate.enter() {
		c.counts.rejected += int64(len(notifications))
		return ErrNotifierShutdown
	}
	defer n.gate.leave()
	if ctx.Err() != nil {
		c.counts.rejected += int64(len(notifications))
		return fmt.Errorf("cannot take %s: %w", counted(len(notifications)), context.Cause(ctx))
	}
	return c.run(ctx)
}

// Flush hands on all that was waiting when it was called, the oldest first and
// marked as incomplete, and then flushes the processor. It waits for other calls
// that are handing on some of that. After an error, what was not handed on waits
// again. Notifications that come after Flush was called cause no error. Flush
// flushes the processor after an error, too, unless the context is done.
func (n *Notifier) Flush(ctx context.Context) error {
	if !n.gate.enter() {
		return ErrNotifierShutdown
	}
	defer n.gate.leave()
	upTo := n.order.Load()
	err := n.drain(ctx, flushed)
	if err == nil {
		err = n.awaitExports(ctx, upTo)
	}
	if err != nil && ctx.Err() != nil {
		return err
	}
	return errors.Join(err, n.to.flush(ctx))
}

// Shutdown refuses notifications from now on, waits for the calls under way,
// and hands on what is left waiting, as Flush does. After an error it may be
// called again, to go on where it ended. It shuts neither exporter nor processor down.
func (n *Notifier) Shutdown(ctx context.Context) error {
	n.stop()
	for _, ended := range []<-chan struct{}{n.gate.close(), n.stopped} {
		select {
		case <-ended:
		case <-ctx.Done():
			return fmt.Errorf("the notifier is still at work: %w", context.Cause(ctx))
		}
	}
	return n.drain(ctx, shutDown)
}

// drain hands on what waits and came before now.
func (n *Notifier) drain(ctx context.Context, why reason) error {
	return n.handOn(ctx, mark{order: n.order.Load(), arrived: forever}, why)
}

// handOn hands on, batch by batch, the oldest that wait, up to the mark.
func (n *Notifier) handOn(ctx context.Context, until mark, why reason) error {
	for {
		more, err := n.handOnBatch(ctx, until, why)
		if !more || err != nil {
			return err
		}
	}
}

func (n *Notifier) handOnBatch(ctx context.Context, until mark, why reason) (more bool, err error) {
	c := n.newCall(nil)
	defer n.endCall(c)
	for len(c.pairs) < maxBatch {
		p, ok := c.takeOldest(until, why)
		if !ok {
			break
		}
		c.pairs = append(c.pairs, p)
	}
	return len(c.pairs) == maxBatch, c.deliver(ctx)
}

// expire hands on what has waited too long, until its context is done.
func (n *Notifier) expire(ctx context.Context) {
	defer close(n.stopped)
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

// expireTimeout is how long the export of what has waited too long may take;
// the SDK's batch processor has the same.
const expireTimeout = 30 * time.Second

func (n *Notifier) expireNow(ctx context.Context) {
	now := time.Since(n.began)
	for i := range n.shards {
		n.shards[i].forget(now)
	}
	until := mark{order: n.order.Load(), arrived: now - n.cfg.maxAge}
	limited, cancel := context.WithTimeout(ctx, expireTimeout)
	defer cancel()
	if err := n.handOn(limited, until, tooOld); err != nil && ctx.Err() == nil {
		otel.Handle(fmt.Errorf("operations without an end: %w", err))
	}
}
