package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// progressStep is how many notifications are read between two calls for progress.
const progressStep = 256

// Copy copies all notifications of the source to every target, until the source has no more.
// Each target gets the notifications that it lacks, in the order of the source. An entry that
// cannot be read, and a notification that a target refuses, are counted and reported as
// warnings. Any other failure ends Copy. After a failure of the source, Copy still copies the
// notifications that were read before.
//
// At the end, a target of [ToExporter] also gets the halves whose other half the source does
// not have, as incomplete spans.
//
// Copy may be called again; it finds out what the targets have already. After a failure it
// needs a new source if the targets do not have all that was read, because the old source
// would continue behind the missing notifications. So Copy refuses the old source. See the
// package documentation for its guarantees.
func Copy(ctx context.Context, from Source, to []Target, opts ...Option) (Counts, error) {
	marked, _ := from.(interface{ consumedFlag() *bool })
	if marked != nil && *marked.consumedFlag() {
		return Counts{Targets: make([]TargetCounts, len(to))}, errSourceConsumed
	}
	for _, target := range to {
		if t, ok := target.(comparer); ok {
			t.begin()
		}
	}
	c := &copier{
		config: newConfig(opts), source: from, targets: to,
		counts: Counts{Targets: make([]TargetCounts, len(to))},
		limits: windowLimits{count: windowCount, bytes: windowBytes},
	}
	if source, ok := from.(taker); ok {
		if c.dryRun {
			return c.counts, errDryTake
		}
		c.taker = source
		c.limits = source.limits()
		source.whenDue(func() bool {
			c.failure = c.flush(ctx)
			return c.failure == nil
		})
		defer source.whenDue(nil)
	}
	for _, target := range to {
		if t, ok := target.(*exporterTarget); ok {
			c.sinks = append(c.sinks, t)
		}
	}
	onlySinks := len(c.sinks) > 0 && len(c.sinks) == len(to) && c.taker == nil && !c.dryRun
	if onlySinks {
		c.limits = sinkLimits
	}
	c.window = newWindow(c.limits)
	c.window.withoutKeys = onlySinks
	err := c.runAll(ctx)
	if err != nil && marked != nil {
		*marked.consumedFlag() = len(c.window.notifications) > 0
	}
	c.progress(c.counts)
	return c.counts.clone(), errors.Join(err, c.warned.close())
}

// A taker is a source that removes from its bus the entries that it yields. So entries that
// the targets do not have safely must stay on the bus.
type taker interface {
	// limits bounds the windows in which the source is copied.
	limits() windowLimits
	// whenDue makes Read call flush, before or after an element, when a yielded notification
	// has waited for a while. Read ends if flush returns false.
	whenDue(flush func() bool)
	// leave makes Acknowledge skip the notification in front of the position.
	leave(p Position)
}

// errDryTake is the error of a dry run with a source that would remove what it reads.
var errDryTake = errors.New("a dry run cannot take messages from a bus: use the source FromStore, which looks at them")

// errSourceConsumed is the error of Copy for a source that was read further than what every
// target has.
var errSourceConsumed = errors.New("an earlier Copy from this source failed after it had read notifications; make a new source, from the last checkpoint if there is one")

// A consumable is embedded by sources. Its field consumed is set by a Copy that failed after
// it had read notifications that are not in every target.
type consumable struct{ consumed bool }

func (c *consumable) consumedFlag() *bool { return &c.consumed }

// A copier holds one window of the source in memory.
type copier struct {
	config

	source  Source
	taker   taker // the source, or nil
	targets []Target
	counts  Counts
	limits  windowLimits
	window  *window
	sinks   []*exporterTarget
	waiting []heldPosition // of notifications that wait in the sinks
	failure error          // of a flush that the source has called
	warned  keySet         // texts of warnings that were reported
}

// runAll copies until the source has no more. A bus may have more after the halves that wait
// in the sinks were exported, because only then their messages can be acknowledged.
func (c *copier) runAll(ctx context.Context) error {
	for {
		before := c.counts.Read
		if err := c.run(ctx); err != nil {
			return err
		}
		if held, err := c.flushSinks(ctx); err != nil || !held || c.taker == nil || c.counts.Read == before {
			return err
		}
	}
}

func (c *copier) run(ctx context.Context) error {
	for n, err := range c.source.Read(ctx) {
		if store.Ends(err) {
			return c.failed(ctx, err)
		}
		if err := c.take(ctx, n, err); err != nil {
			return err
		}
	}
	if c.failure != nil {
		return c.failure
	}
	return c.flush(ctx)
}

// failed copies the notifications that were read before the source failed, unless the context
// ended.
func (c *copier) failed(ctx context.Context, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("cannot read the source: %w", err)
	}
	if ctx.Err() != nil {
		return err
	}
	if flushErr := c.flush(ctx); flushErr != nil {
		return errors.Join(err, flushErr)
	}
	return err
}

// take processes a notification of the source, or the error for a skipped entry.
func (c *copier) take(ctx context.Context, n osprofiler.Notification, err error) error {
	if err != nil {
		return c.skip(err)
	}
	c.redact(&n)
	if c.counts.Read++; c.counts.Read%progressStep == 0 {
		c.progress(c.counts)
	}
	k, isNew := c.window.addKey(n)
	if !isNew {
		for i := range c.targets {
			c.counts.Targets[i].Present++
		}
	}
	if c.taker != nil {
		c.window.positions = append(c.window.positions, positioned{k, c.source.Position()})
	}
	if c.window.isFull() || c.taker != nil && c.window.added >= c.limits.count {
		return c.flush(ctx)
	}
	return nil
}

// skip counts a skipped entry, and warns of it.
func (c *copier) skip(err error) error {
	var damage *store.DamageError
	if !errors.As(err, &damage) {
		damage = &store.DamageError{}
	}
	isNew, failure := c.warn(err)
	if c.taker != nil && damage.Kind != "" {
		isNew = true // each is another message
	}
	switch {
	case !isNew:
	case damage.Foreign:
		c.counts.Foreign++
	case damage.More:
		c.counts.Partial = true
	default:
		c.counts.Skipped++
	}
	return failure
}

// warn reports an error as a warning if it is new. A file reports an unreadable line each
// time the file is read.
func (c *copier) warn(err error) (isNew bool, failure error) {
	text := err.Error()
	var damage *store.DamageError
	if errors.As(err, &damage) && damage.Kind != "" {
		text = damage.Kind
	}
	k := keyOfID(text)
	there, failure := c.warned.has(k)
	if there || failure != nil {
		return false, failure
	}
	c.warning(err)
	return true, c.warned.add(k)
}
