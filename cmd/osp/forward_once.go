package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// runOnce copies each source to all targets.
func (f *forward) runOnce(ctx context.Context, stderr io.Writer) (err error) {
	e, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close(context.WithoutCancel(ctx))) }()
	for _, from := range e.from {
		for _, to := range e.to {
			if from.store.Capabilities().Peek {
				continue
			}
			if sameStore(from.text, to.text) {
				return usageError{errSameStore}
			}
		}
	}
	if err := f.ready(ctx, e); err != nil {
		return err
	}
	if err := e.checkLoops(ctx); err != nil {
		return err
	}
	var targets []relay.Target
	for _, to := range e.to {
		targets = append(targets, f.target(to))
	}
	for _, from := range e.from {
		if err = f.copy(ctx, from, e.to, targets, stderr); err != nil {
			break
		}
	}
	for _, t := range targets {
		err = errors.Join(err, t.Close())
	}
	return err
}

// ready connects to all ends, so that a target that cannot be written is refused before a
// source is read. A dry run does not connect to the target here, because Ping creates the
// table or queue that it will write to.
func (f *forward) ready(ctx context.Context, e *ends) error {
	for _, to := range e.to {
		if err := f.writable(to); err != nil {
			return err
		}
	}
	for _, from := range e.from {
		if err := from.store.Ping(ctx); err != nil {
			return fmt.Errorf("cannot read the source: %w", err)
		}
	}
	for _, to := range e.to {
		if ping := to.ping(); ping != nil && !f.dryRun {
			if err := ping(ctx); err != nil {
				return fmt.Errorf("cannot write to the target: %w", err)
			}
		}
	}
	return nil
}

// writable refuses a store that cannot be written.
func (f *forward) writable(to *end) error {
	switch {
	case f.dryRun || to.store == nil:
	case to.store.IsReadOnly():
		return usagef("--to: %s cannot be written, because its connection string has osp_read_only", to.store.Name())
	case !to.store.Capabilities().Write:
		return fmt.Errorf("--to: cannot write to %s: %w", to.store.Name(), errors.ErrUnsupported)
	}
	return nil
}

// source returns the source of the traces that the flags select.
func (f *forward) source(from *store.Store) relay.Source {
	switch {
	case len(f.baseIDs) > 0:
		return relay.FromBaseIDs(from, f.baseIDs)
	case f.selects():
		return relay.FromTraces(from, store.Query{
			Since: f.since.Time, Until: f.until.Time, Failed: f.failed.on, ByFirstEvent: true,
			MinDuration: f.minDuration.Duration,
		})
	}
	if from.Capabilities().Peek && f.moves() {
		return relay.FromConsumer(from)
	}
	return relay.FromStore(from)
}

// selects reports whether the flags select traces by a listing.
func (f *forward) selects() bool {
	return !f.since.IsZero() || !f.until.IsZero() || f.failed.on || f.minDuration.Duration > 0
}

// moves reports whether messages are removed from a bus.
func (f *forward) moves() bool {
	return f.following || len(f.baseIDs) == 0 && !f.selects() && !f.dryRun
}

// copy copies one source to all targets.
func (f *forward) copy(ctx context.Context, from *end, to []*end, targets []relay.Target, stderr io.Writer) error {
	source := f.source(from.store)
	warn := &warnings{w: stderr}
	draw, hide := progress(stderr, "forwarding", "notification", 0)
	opts := []relay.Option{
		relay.WithProgress(func(c relay.Counts) { draw(c.Read) }),
		relay.WithWarning(func(err error) { warn.add(err.Error()) }),
		relay.WithRedaction(f.redact.Redaction),
	}
	if f.dryRun {
		opts = append(opts, relay.WithDryRun())
	}
	counts, err := relay.Copy(ctx, source, targets, opts...)
	err = errors.Join(err, source.Close())
	hide()
	warn.close()
	for _, line := range f.summary(from, to, counts) {
		fmt.Fprintln(stderr, "osp:", line)
	}
	if err == nil {
		err = notForwarded(counts, f.dryRun)
	}
	return err
}

// summary describes what was copied: in one line for one source and one target, otherwise in
// one line for each of them.
func (f *forward) summary(from *end, to []*end, c relay.Counts) (lines []string) {
	if len(f.from) == 1 && len(to) == 1 {
		return []string{forwarded(c, f.dryRun)}
	}
	lines = append(lines, from.name+": "+readCounts(c))
	for i, one := range to {
		lines = append(lines, one.name+": "+writtenCounts(c.Targets[i], f.dryRun))
	}
	return lines
}
