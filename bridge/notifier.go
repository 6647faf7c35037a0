package bridge

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/inflight"
)

// ErrNotifierShutdown is the error of a Notifier's methods after Shutdown.
var ErrNotifierShutdown = errors.New("the notifier is shut down")

// A Notifier makes spans from notifications of a store, a message bus, a file or another
// process, and passes the spans to an exporter or a processor. The spans have the ids, times,
// kind, name, attributes and status of the notifications, and one resource for each project,
// service and host. Package convert defines the conversion.
//
// Below, "exported" means that the exporter returned nil for a span, or that the processor has
// received the span. A half is one of the two notifications of an operation.
//
// Halves are paired by base_id and trace_id, in any order and from any caller. A half waits
// for the other half within three bounds: how many halves may wait, how much memory they may
// use, and how long each may wait. When a bound is reached, the oldest halves are exported,
// several at once. Flush and Shutdown export all waiting halves. A half that is exported alone
// becomes an incomplete span: it has the attribute [convert.MissingKey], and both its times
// are those of the half.
//
// Equal notifications count once, even if their operation was already exported, as far as the
// Notifier remembers: see [WithDuplicateWindow]. A different notification with the ids of an
// earlier one is no duplicate. It becomes a span of its own, with or without another half.
//
// [Notifier.FinishedInput] reports up to which input all notifications have left the Notifier,
// so that a restart loses no waiting notification.
//
// A Notifier may be used by many goroutines. It buffers only waiting halves. It does not shut
// its exporter or processor down.
type Notifier struct {
	cfg         notifierConfig
	destination destination
	convert     *convert.Converter
	seed        maphash.Seed
	began       time.Time

	shards   [shardCount]shard
	budget   budget
	sequence atomic.Uint64 // the sequence of the newest notification, or of the newest order in a shard
	inputs   inputs
	underWay underWay
	totals   totals

	calls       *inflight.Counter
	expiryEnded chan struct{}
}

// NewNotifier returns a Notifier that passes its spans to an exporter. A call that completes
// spans exports them, and returns with the exporter's error when they are exported. As the
// SDK's processors do, the Notifier calls the exporter from one goroutine at a time, unless
// [WithConcurrentExports] allows more.
//
// Shut the Notifier down before the exporter.
func NewNotifier(exporter sdktrace.SpanExporter, opts ...NotifierOption) *Notifier {
	cfg := newNotifierConfig(opts)
	return newNotifier(newExportDestination(exporter, cfg.concurrentExports), cfg)
}

// NewProcessorNotifier returns a Notifier that passes its spans to a processor's OnEnd. It
// never calls OnStart. A processor returns no error from OnEnd, so no call of the Notifier
// fails because of the processor.
//
// Shut the Notifier down before the processor.
func NewProcessorNotifier(processor sdktrace.SpanProcessor, opts ...NotifierOption) *Notifier {
	return newNotifier(processorDestination{processor}, newNotifierConfig(opts))
}

func newNotifier(to destination, cfg notifierConfig) *Notifier {
	n := &Notifier{
		cfg:         cfg,
		destination: to,
		convert:     convert.New(cfg.conversion...),
		seed:        maphash.MakeSeed(),
		began:       time.Now(),
		budget:      budget{maxCount: int64(cfg.maxWaiting), maxBytes: cfg.maxBytes},
		calls:       inflight.New(),
		expiryEnded: make(chan struct{}),
	}
	for i := range n.shards {
		n.shards[i].init(cfg.rememberCount/(2*shardCount), cfg.rememberTime)
	}
	go n.expire()
	return n
}

// now returns the time since the Notifier was created.
func (n *Notifier) now() time.Duration { return time.Since(n.began) }

// Notify takes notifications. It exports the operations that they complete before it returns.
// The other notifications wait.
//
// A nil error means that each notification was exported, waits, or equals one that was
// exported or waits. The caller may drop or acknowledge it. A caller that must survive a crash
// of the process acknowledges an input only when [Notifier.FinishedInput] has reached it. If
// another call is exporting an equal notification, Notify waits for the outcome. If that
// export fails, Notify treats its own notification as the first one.
//
// After an error, the caller calls Notify again with all of the notifications. Notifications
// that were already taken then count as duplicates. Halves that waited before the failed
// export wait again. Only an invalid notification is refused permanently
// ([osprofiler.Notification.Validate]). The others of its call are taken.
//
// Notify waits for the exporter and for other calls' exports of equal notifications. If the
// exporter is called from one goroutine at a time, Notify also waits for all other exports. It
// waits for exports of other calls no longer than the context allows. It keeps the waiting
// notifications, with the texts that they were parsed from. It does not keep the slice.
func (n *Notifier) Notify(ctx context.Context, notifications ...osprofiler.Notification) error {
	if len(notifications) == 0 {
		return nil
	}
	c := n.newCall(notifications)
	defer n.endCall(c)
	if !n.calls.Enter() {
		c.counts.rejected += int64(len(notifications))
		return ErrNotifierShutdown
	}
	defer n.calls.Leave()
	if ctx.Err() != nil {
		c.counts.rejected += int64(len(notifications))
		return fmt.Errorf("cannot take %s: %w", counted(len(notifications)), context.Cause(ctx))
	}
	return c.run(ctx)
}

// Flush exports all halves that wait when it is called, the oldest first, as incomplete spans,
// and then flushes the processor. If other calls are exporting some of these halves, Flush
// waits for them. After an error, the halves that were not exported wait again. Notifications
// that come after the call of Flush cause no error. Flush flushes the processor even after an
// error, unless the context is done.
func (n *Notifier) Flush(ctx context.Context) error {
	if !n.calls.Enter() {
		return ErrNotifierShutdown
	}
	defer n.calls.Leave()
	sequence := n.sequence.Load()
	err := n.exportAllWaiting(ctx, flushed)
	if err == nil {
		err = n.awaitExports(ctx, sequence)
	}
	if err != nil && ctx.Err() != nil {
		return err
	}
	return errors.Join(err, n.destination.flush(ctx))
}

// Shutdown refuses further notifications, waits for the calls in progress, and exports the
// waiting halves, as Flush does. After an error it may be called again to export the rest. It
// shuts neither the exporter nor the processor down.
func (n *Notifier) Shutdown(ctx context.Context) error {
	n.calls.Close()
	for _, ended := range []<-chan struct{}{n.calls.Idle(), n.expiryEnded} {
		select {
		case <-ended:
		case <-ctx.Done():
			return fmt.Errorf("cannot shut the notifier down: calls are still under way: %w", context.Cause(ctx))
		}
	}
	return n.exportAllWaiting(ctx, shutDown)
}
