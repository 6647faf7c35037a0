package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// How much is held in memory, and how much goes into one Write: by count and
// by bytes of JSON, whichever is reached first. One notification that is
// bigger goes alone.
const (
	windowCount, windowBytes = 50_000, 32 << 20
	batchCount, batchBytes   = 1_000, 4 << 20
)

// progressStep is how many notifications are read between two looks at the clock.
const progressStep = 256

// A copier copies notifications from one store to another that may have some
// of them. It holds one window of the source in memory, however big the
// stores and their traces are.
type copier struct {
	from, to store.Store
	warn     *warnings
	progress func(copied)
	copied

	window  *window
	compare comparer
}

func newCopier(from, to store.Store, warn *warnings) *copier {
	return &copier{
		from: from, to: to, warn: warn, progress: func(copied) {},
		window: newWindow(), compare: comparer{target: to, warn: warn},
	}
}

// copied counts what a copier did.
type copied struct {
	read    int // notifications that the source gave
	written int // of these, what the target lacked
	present int // of these, what it had, or what the source gave twice
	refused int // of these, what the target could not take
	skipped int // entries of the source that could not be read
}

// String tells it in a sentence.
func (c copied) String() string {
	text := fmt.Sprintf("%s read, %s written, %s there already",
		counted(c.read, "notification"), humanize.Comma(int64(c.written)), humanize.Comma(int64(c.present)))
	if c.refused > 0 {
		text += fmt.Sprintf(", %s refused", humanize.Comma(int64(c.refused)))
	}
	if c.skipped > 0 {
		text += fmt.Sprintf(", %s skipped", counted(c.skipped, "unreadable entry"))
	}
	return text
}

// err is about what was not copied.
func (c copied) err() error {
	if lost := c.refused + c.skipped; lost > 0 {
		return fmt.Errorf("%s of the source could not be forwarded; all else was", counted(lost, "entry"))
	}
	return nil
}

// counted writes a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return humanize.Comma(int64(n)) + " " + stem + "ies"
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

// all copies the whole store: in the order in which it was written where the
// store can tell, else trace by trace.
func (c *copier) all(ctx context.Context) error {
	changer, ok := c.from.(store.Changer)
	if !ok {
		return c.allTraces(ctx)
	}
	for change, err := range changer.Changes(ctx, "") {
		if err := c.take(ctx, change.Notification, err); err != nil {
			return err
		}
	}
	return c.flush(ctx)
}

func (c *copier) allTraces(ctx context.Context) error {
	for trace, err := range c.from.Traces(ctx, store.Query{}) {
		if err != nil {
			if c.skip(err) {
				continue
			}
			return err
		}
		if err := c.trace(ctx, trace.BaseID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err // one that is gone since it was listed is no error
		}
	}
	return c.flush(ctx)
}

// traces copies the traces of these base ids. One that does not exist is an
// error at the end, after the others were copied.
func (c *copier) traces(ctx context.Context, baseIDs []string) error {
	var missing []string
	for _, id := range baseIDs {
		err := c.trace(ctx, id)
		if canonical := canonicalID(id); errors.Is(err, store.ErrNotFound) && canonical != id {
			err = c.trace(ctx, canonical)
		}
		if errors.Is(err, store.ErrNotFound) {
			missing = append(missing, strconv.Quote(id))
		} else if err != nil {
			return err
		}
	}
	if err := c.flush(ctx); err != nil || missing == nil {
		return err
	}
	return fmt.Errorf("%w: %s", store.ErrNotFound, strings.Join(missing, ", "))
}

func (c *copier) trace(ctx context.Context, baseID string) error {
	for n, err := range c.from.Notifications(ctx, baseID) {
		if err := c.take(ctx, n, err); err != nil {
			return err
		}
	}
	return nil
}

// take takes what a store's sequence yields.
func (c *copier) take(ctx context.Context, n osprofiler.Notification, err error) error {
	if err != nil {
		if c.skip(err) {
			return nil
		}
		return err
	}
	if c.read++; c.read%progressStep == 0 {
		c.progress(c.copied)
	}
	size := len(n.JSON())
	if c.window.full(size) {
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	if !c.window.add(n, hashOf(n), size) {
		c.present++
	}
	return nil
}

func (c *copier) skip(err error) bool {
	damaged, isNew := c.warn.skipped(err)
	if isNew {
		c.skipped++
	}
	return damaged
}

// flush writes what of the window the target lacks, and begins a new window.
func (c *copier) flush(ctx context.Context) error {
	w := c.window
	c.window = newWindow()
	if err := c.compare.compare(ctx, w); err != nil {
		return fmt.Errorf("cannot read the target: %w", err)
	}
	c.present += len(w.notifications) - w.lacking
	for batch := range w.batches() {
		if err := c.write(ctx, batch); err != nil {
			return err
		}
		c.progress(c.copied)
	}
	return nil
}

// write writes a batch. Notifications that the target refuses for a reason of
// their own are counted and warned of. Any other failure ends the copying.
func (c *copier) write(ctx context.Context, batch []osprofiler.Notification) error {
	err := store.Retry{}.Write(ctx, c.to, batch)
	var partial *store.WriteError
	if errors.As(err, &partial) && ctx.Err() == nil &&
		len(partial.Refused) > 0 && len(partial.Refused) == len(partial.Missing) {
		c.warn.add(err.Error())
		c.refused += len(partial.Missing)
		c.written += len(batch) - len(partial.Missing)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot write to the target: %w", err)
	}
	c.written += len(batch)
	return nil
}
