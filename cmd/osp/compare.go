package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A comparer finds out what a target has. It asks for one trace after the
// other, or reads all of the target in one pass: the first is right for a
// database with an index, the second for a file. It holds nothing of the
// target in memory.
type comparer struct {
	target store.Store
	warn   *warnings
	pass   time.Duration // how long a pass takes, at least
}

// Passes are thought of when this many lookups are done and those that are
// left would take so long.
const (
	sampleLookups = 16
	worthAPass    = time.Second
)

// compare marks what of the window the target has. It begins with lookups, and
// from their times knows what the rest would take. A pass gets no more time
// than that, so it may at worst double the work.
func (c *comparer) compare(ctx context.Context, w *window) error {
	begin := time.Now()
	for i, id := range w.baseIDs {
		if i == sampleLookups {
			rest := time.Since(begin) / sampleLookups * time.Duration(len(w.baseIDs)-i)
			if done, err := c.tryPass(ctx, w, rest); done || err != nil {
				return err
			}
		}
		if err := c.lookup(ctx, w, id); err != nil {
			return err
		}
	}
	return nil
}

// lookup marks what the target has of one trace.
func (c *comparer) lookup(ctx context.Context, w *window, baseID string) error {
	for n, err := range c.target.Notifications(ctx, baseID) {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err := c.mark(w, n, err); err != nil {
			return err
		}
	}
	return nil
}

// tryPass reads the whole target, if it can be read in one pass and in less
// time than the lookups that are left would take.
func (c *comparer) tryPass(ctx context.Context, w *window, lookups time.Duration) (done bool, err error) {
	changer, ok := c.target.(store.Changer)
	if !ok || lookups < worthAPass || lookups < c.pass {
		return false, nil
	}
	limited, cancel := context.WithTimeout(ctx, lookups)
	defer cancel()
	begin := time.Now()
	for change, err := range changer.Changes(limited, "") {
		if err := c.mark(w, change.Notification, err); err != nil {
			c.pass = time.Since(begin)
			if limited.Err() != nil && ctx.Err() == nil {
				return false, nil // lookups are quicker after all
			}
			return false, err
		}
	}
	c.pass = time.Since(begin)
	return true, nil
}

// mark takes what the target's sequences yield. What the target has besides is
// no matter, nor what of it cannot be read: that is written again.
func (c *comparer) mark(w *window, n osprofiler.Notification, err error) error {
	if err == nil {
		w.present(n)
		return nil
	}
	if damaged, _ := c.warn.skipped(fmt.Errorf("in the target: %w", err)); !damaged {
		return err
	}
	return nil
}
