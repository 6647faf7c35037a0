package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/store"
)

type prune struct {
	deletion

	olderThan when
	service   string
	atOnce    int           // how many traces one call deletes
	trust     time.Duration // how long a listing is used at least before the traces are listed again
}

func newPrune() *cobra.Command {
	p := &prune{olderThan: when{now: time.Now}, atOnce: idsAtOnce, trust: 10 * time.Second}
	cmd := &cobra.Command{
		Use:   "prune --older-than AGE",
		Short: "Delete old traces from a store",
		Long: `Delete the traces whose last event is older than an age such as 30d, or is
before a time. So a trace to which services still write is kept, also if it began
long ago. A trace is kept too if it has no time, or if prune finds an entry of it
that it cannot read, because its age is unknown then.

prune looks at the traces again after the question, and again and again while it
deletes. An event that is written in the seconds between a look and the deletion is
deleted with its trace.

prune asks once, with the number of traces, unless --yes is given. Without a
terminal to ask on, --yes is necessary. --dry-run lists the traces.

After an interruption, run the same command again; it deletes what is left.`,
		Example: `  osp prune --older-than 30d --dry-run
  osp prune --older-than 2w --service nova-api
  osp prune --older-than 30d --yes     # in a cron job`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			if p.service == "" && cmd.Flags().Changed("service") {
				return usagef("--service is empty; leave it out to prune the traces of all services")
			}
			if err := p.check(); err != nil {
				return err
			}
			if err := p.begin(cmd); err != nil {
				return err
			}
			return p.run(cmd.Context())
		}),
	}
	p.addFlags(cmd)
	cmd.Flags().Var(&p.olderThan, "older-than", "delete traces whose last event is older than this `age`, such as 30d, or before this time")
	cmd.Flags().StringVar(&p.service, "service", "", "delete only traces whose first notification is of this `service`")
	return cmd
}

func (p *prune) check() error {
	switch {
	case p.olderThan.IsZero():
		return usagef("how old should a trace be to be deleted? give --older-than, such as --older-than 30d")
	case p.olderThan.After(p.olderThan.now()):
		return usagef("--older-than %s is in the future; give an age such as 30d, or a past time", &p.olderThan)
	}
	return nil
}

// shown returns the time to the second.
func (p *prune) shown() string { return p.olderThan.UTC().Format(time.DateTime) + " UTC" }

func (p *prune) run(ctx context.Context) (err error) {
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := p.exists(ctx); err != nil {
		return err
	}
	if p.yes && !p.dryRun {
		return p.delete(ctx, s)
	}
	warn := &warnings{w: p.stderr}
	found, err := p.find(ctx, s, nil, warn)
	warn.close()
	switch {
	case err != nil:
		return err
	case found.traces == 0 || p.dryRun:
		p.summarise(found)
		return nil
	}
	what := fmt.Sprintf("%s%s, whose last event is before %s,", found, p.ofService(), p.shown())
	if err := p.agreed(ctx, what, s.Name()); err != nil {
		return err
	}
	return p.delete(ctx, s)
}

// summarise writes the last line.
func (p *prune) summarise(t tally) {
	if t.traces == 0 {
		fmt.Fprintf(p.stderr, "osp: there are no traces%s whose last event is before %s\n", printable(p.ofService()), p.shown())
		return
	}
	p.report(t)
}

// ofService names the service that was given.
func (p *prune) ofService() string {
	if p.service == "" {
		return ""
	}
	return fmt.Sprintf(" of the service %q", p.service)
}

// find lists the traces to delete. It adds their ids to the spool, if there is one. A
// dry run writes a line for each to stdout.
func (p *prune) find(ctx context.Context, s *store.Store, ids *spool, warn *warnings) (found tally, err error) {
	draw, hide := progress(p.stderr, "reading", "trace", 0)
	defer hide()
	err = writeTo(ctx, "", p.stdout, func(w io.Writer) error {
		read, timeless := 0, 0
		damagedIDs := map[string]bool{} // the base ids of the traces with an entry that cannot be read
		for trace, err := range s.Traces(ctx, store.Query{Until: p.olderThan.Time, Service: p.service}) {
			var damage *store.DamageError
			if errors.As(err, &damage) {
				warn.skipped(err)
				damagedIDs[damage.BaseID] = true
				continue
			} else if err != nil {
				return err
			}
			read++
			draw(read)
			switch last := trace.LastTime(); {
			case last.IsZero(), damagedIDs[trace.BaseID]:
				timeless++
				continue
			case !last.Before(p.olderThan.Time):
				continue
			}
			found.add(trace.Notifications)
			if err := p.take(w, ids, trace); err != nil {
				return err
			}
		}
		if timeless > 0 {
			warn.once(counted(timeless, "trace") + " without any time, or with an entry that cannot be read, kept, because their age is unknown")
		}
		return nil
	})
	return found, err
}

// take lists the trace in a dry run, and otherwise adds its id to the spool.
func (p *prune) take(w io.Writer, ids *spool, trace store.Summary) error {
	if p.dryRun {
		_, err := fmt.Fprintln(w, victimLine(trace))
		return err
	}
	if ids == nil {
		return nil
	}
	return ids.add(trace.BaseID)
}

// A pruning is the state of prune after the user has agreed.
type pruning struct {
	*prune

	store   *store.Store
	warn    *warnings
	deleted tally
	refused map[string]bool // the base ids that the store refused to delete
}

// delete lists the traces and deletes them in batches. If the listing has become old before a
// batch, it lists them again, so that a trace that got an event meanwhile is kept. A trace
// that somebody else has deleted does not count. If the store refuses to delete a trace, the
// others are deleted nevertheless.
func (p *prune) delete(ctx context.Context, s *store.Store) error {
	r := &pruning{prune: p, store: s, warn: &warnings{w: p.stderr}, refused: map[string]bool{}}
	done, err := false, error(nil)
	for err == nil && !done {
		done, err = r.round(ctx, r.trust)
	}
	r.warn.close()
	if r.deleted.traces > 0 || err == nil && len(r.refused) == 0 {
		p.summarise(r.deleted)
	}
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%w; run the command again to delete the rest", err)
	case err == nil && len(r.refused) > 0:
		return fmt.Errorf("%s could not be deleted", counted(len(r.refused), "trace"))
	}
	return err
}

// errOld stops a round whose listing is too old.
var errOld = errors.New("the listing is old")

// round lists the traces, and deletes them until the listing is too old: older than trust and
// older than ten times the duration of the listing. It reports whether all were deleted. If
// trust is negative, a listing is used for one batch.
func (r *pruning) round(ctx context.Context, trust time.Duration) (done bool, err error) {
	ids := &spool{}
	defer func() { err = errors.Join(err, ids.close()) }()
	began := time.Now()
	if _, err := r.find(ctx, r.store, ids, r.warn); err != nil {
		return false, err
	}
	listed := time.Now()
	if trust >= 0 {
		trust = max(trust, 10*listed.Sub(began))
	}
	draw, hide := progress(r.stderr, "deleting", "trace", ids.count)
	defer hide()
	batches := 0
	err = ids.batches(r.atOnce, func(batch []string) error {
		if batches++; batches > 1 && time.Since(listed) > trust {
			return errOld
		}
		err := r.remove(ctx, batch)
		draw(min(batches*r.atOnce, ids.count))
		return err
	})
	if errors.Is(err, errOld) {
		return false, nil
	}
	return true, err
}

// remove deletes one batch.
func (r *pruning) remove(ctx context.Context, batch []string) error {
	batch = slices.DeleteFunc(batch, func(id string) bool { return r.refused[id] })
	deletions, err := store.Retry{}.DeleteTraces(ctx, r.store, batch)
	for i, deletion := range deletions {
		if deletion.Notifications > 0 {
			r.deleted.add(deletion.Notifications)
		}
		if deletion.Err != nil {
			r.refused[batch[i]] = true
			r.warn.add(deletion.Err.Error())
		}
	}
	return err
}
