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

// A Notifier makes spans of notifications from a store, a message bus, a file or
// another process, and passes them to an exporter or a processor. The spans have
// the ids, times, kind, name, attributes and status of the notifications, and one
// resource for each project, service and host. Package convert defines the
// conversion.
//
// Below, "exported" means that the exporter returned nil for a span, or that the
// processor has it. A half is one of the two notifications of an operation.
//
// Halves are paired by base_id and trace_id, in any order and from any caller. A
// half waits for the other half, within three bounds: how many halves may wait,
// how much memory they may use, and how long each may wait. If a bound is
// reached, the oldest halves are exported, some at once. Flush and Shutdown
// export all that wait. A half that is exported alone becomes an incomplete span:
// it has the attribute [convert.MissingKey], and both its times are those of the
// half.
//
// Of equal notifications one counts, even if its operation was exported already,
// as far as the Notifier remembers: see [WithDuplicateWindow]. A different
// notification with the ids of an earlier one is no duplicate: it becomes a span
// of its own, with or without another half.
//
// [Notifier.FinishedInput] tells a program up to which input all notifications
// have left the Notifier, so that a restart loses none that waited.
//
// A Notifier may be used by many goroutines. It buffers nothing but the halves
// that wait. It does not shut its exporter or processor down.
type Notifier struct {
	cfg         notifierConfig
	destination destination
	convert     *convert.Converter
	seed        maphash.Seed
	began       time.Time

	shards   [shardCount]shard
	budget   budget
	sequence atomic.Uint64 // of the newest notification, or of the newest order in a shard
	inputs   inputs
	underWay underWay
	totals   totals

	calls       *inflight.Counter
	expiryEnded chan struct{}
}

// NewNotifier returns a Notifier that passes its spans to an exporter, within the
// calls that complete them: a call returns when its spans are exported, with the
// exporter's error. As the SDK's processors do, the Notifier calls the exporter
// from one goroutine at a time, unless [WithConcurrentExports] allows more.
//
// Shut the Notifier down before the exporter.
func NewNotifier(exporter sdktrace.SpanExporter, opts ...NotifierOption) *Notifier {
	cfg := newNotifierConfig(opts)
	return newNotifier(newExportDestination(exporter, cfg.concurrentExports), cfg)
}

// NewProcessorNotifier returns a Notifier that passes its spans to a processor's
// OnEnd. It never calls OnStart. A processor returns no error from OnEnd, so no
// call of the Notifier fails because of one.
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

// now returns the time since the Notifier began.
func (n *Notifier) now() time.Duration { return time.Since(n.began) }

// Notify takes notifications. It exports the operations that they complete before
// it returns. The other notifications wait.
//
// nil means that each notification was exported, waits, or equals one that was
// exported or waits. The caller may drop or acknowledge it; a caller that has to
// survive a crash of the process acknowledges an input when [Notifier.FinishedInput]
// says so. If another call is exporting an equal notification, Notify waits for
// the outcome. If that export fails, Notify takes its own notification as if it
// had come first.
//
// After an error the caller calls Notify again with all of the notifications.
// Those that were taken then count as duplicates. Halves that had waited before
// the failed export wait again. Only an invalid notification is refused for good
// ([osprofiler.Notification.Validate]); the others of its call are taken.
//
// Notify waits for the exporter, for other calls' exports of equal notifications
// and, if the exporter is called from one goroutine at a time, for all other
// exports. It waits for exports of other calls no longer than the context allows.
// It keeps the notifications that wait, with the texts that they were parsed
// from. It does not keep the slice.
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

// Flush exports all halves that wait when it is called, the oldest first, as
// incomplete spans, and then flushes the processor. If other calls are exporting
// some of these halves, Flush waits for them. After an error, the halves that
// were not exported wait again. Notifications that come after Flush was called
// cause no error. Flush flushes the processor after an error, too, unless the
// context is done.
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

// Shutdown refuses notifications from now on, waits for the calls under way, and
// exports the halves that wait, as Flush does. After an error it may be called
// again to export the rest. It shuts neither the exporter nor the processor down.
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
