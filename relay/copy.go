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

// Copy copies what the source has to every target, until the source has no more.
// Each target gets what it lacks, in the order of the source. An entry that
// cannot be read, and a notification that a target refuses, are counted and
// reported as warnings. Any other failure ends Copy; what was read before a
// failure of the source is copied.
//
// Copy may be called again; it finds what is there already. After a failure it
// needs a new source if the targets do not have all that was read: the source that
// was read would go on behind what is missing, so Copy refuses it. See the package
// documentation for its guarantees.
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
		counts: Counts{Targets: make([]TargetCounts, len(to))}, window: newWindow(),
	}
	err := c.run(ctx)
	if err != nil && marked != nil {
		*marked.consumedFlag() = len(c.window.notifications) > 0
	}
	c.progress(c.counts)
	return c.counts.clone(), errors.Join(err, c.warned.close())
}

// errSourceConsumed is the error of Copy for a source that was read further than
// every target has it.
var errSourceConsumed = errors.New("an earlier Copy from this source failed after it had read notifications; make a new source, from the last checkpoint if there is one")

// A consumable is embedded by sources. consumed is set by a Copy that failed after it
// had read notifications that are not in every target.
type consumable struct{ consumed bool }

func (c *consumable) consumedFlag() *bool { return &c.consumed }

// A copier holds one window of the source in memory.
type copier struct {
	config

	source  Source
	targets []Target
	counts  Counts
	window  *window
	warned  keySet // texts of warnings
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
	return c.flush(ctx)
}

// failed copies what was read before the source failed, unless the context ended.
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

// take takes a notification of the source, or the error for a skipped entry.
func (c *copier) take(ctx context.Context, n osprofiler.Notification, err error) error {
	if err != nil {
		isNew, err := c.warn(err)
		if isNew {
			c.counts.Skipped++
		}
		return err
	}
	if c.counts.Read++; c.counts.Read%progressStep == 0 {
		c.progress(c.counts)
	}
	if !c.window.add(n) {
		for i := range c.targets {
			c.counts.Targets[i].Present++
		}
	}
	if c.window.isFull() {
		return c.flush(ctx)
	}
	return nil
}

// warn warns of an error if it is new: a file reports a line that cannot be read
// whenever the file is read.
func (c *copier) warn(err error) (isNew bool, failure error) {
	k := keyOfID(err.Error())
	there, failure := c.warned.has(k)
	if there || failure != nil {
		return false, failure
	}
	c.warning(err)
	return true, c.warned.add(k)
}

// flush writes to each target what of the window it lacks. Then it acknowledges
// what was read, and begins a new window.
func (c *copier) flush(ctx context.Context) error {
	position := c.source.Position()
	for i, target := range c.targets {
		if err := c.flushTo(ctx, target, &c.counts.Targets[i]); err != nil {
			return err
		}
	}
	c.window = newWindow()
	if c.dryRun {
		return nil
	}
	if err := c.source.Acknowledge(ctx, position); err != nil {
		return fmt.Errorf("everything was copied so far, but the source cannot be told: %w", err)
	}
	return nil
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
	// A temporary file that cannot be written is an error of what follows, too.
	_, _ = c.warn(fmt.Errorf("in the target: %w", err))
}

// write writes a batch, and returns the keys of what is stored. Notifications that
// the target refuses for a reason of their own are counted and warned of. Any
// other failure ends the copying.
func (c *copier) write(ctx context.Context, target Target, b *batch, counts *TargetCounts) (stored []key, err error) {
	if c.dryRun {
		counts.Written += len(b.keys)
		return b.keys, nil
	}
	err = target.Write(ctx, b.notifications)
	var partial *store.WriteError
	if errors.As(err, &partial) && ctx.Err() == nil &&
		len(partial.Refused) > 0 && len(partial.Refused) == len(partial.Missing) {
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

// without returns the keys but for those at the indices.
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
