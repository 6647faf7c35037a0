package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/store"
)

type prune struct {
	deletion

	olderThan when
	service   string
}

func newPrune() *cobra.Command {
	p := &prune{olderThan: when{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "prune --older-than AGE",
		Short: "Delete old traces from a store",
		Long: `Delete the traces whose last event is older than an age such as 30d, or is
before a time. So a trace to which services still write is kept, also if it began
long ago. A trace without any time is kept too, because its age is unknown.

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
	ids := &spool{}
	defer func() { err = errors.Join(err, ids.close()) }()
	found, err := p.find(ctx, s, ids)
	if err != nil {
		return err
	}
	switch {
	case found.traces == 0:
		fmt.Fprintf(p.stderr, "osp: there are no traces whose last event is before %s\n", p.shown())
		return nil
	case p.dryRun:
		p.report(found)
		return nil
	}
	what := fmt.Sprintf("%s, whose last event is before %s,", found, p.shown())
	if err := p.agreed(ctx, what, s.Name()); err != nil {
		return err
	}
	return p.delete(ctx, s, ids)
}

// find lists the traces to delete. It adds their ids to the spool. A dry run writes
// a line for each to stdout.
func (p *prune) find(ctx context.Context, s *store.Store, ids *spool) (found tally, err error) {
	warn := &warnings{w: p.stderr}
	defer warn.close()
	draw, hide := progress(p.stderr, "reading", "trace", 0)
	defer hide()
	err = writeTo(ctx, "", p.stdout, func(w io.Writer) error {
		read, timeless := 0, 0
		for trace, err := range s.Traces(ctx, store.Query{Until: p.olderThan.Time, Service: p.service}) {
			if damaged, _ := warn.skipped(err); damaged {
				continue
			} else if err != nil {
				return err
			}
			read++
			draw(read)
			switch last := trace.LastTime(); {
			case last.IsZero():
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
			warn.add(counted(timeless, "trace") + " without any time kept, because their age is unknown")
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
	return ids.add(trace.BaseID)
}

// delete deletes the traces in batches. A trace that somebody else has deleted
// meanwhile does not count. A trace that the store refuses to delete does not keep
// the others.
func (p *prune) delete(ctx context.Context, s *store.Store, ids *spool) error {
	var t tally
	kept, done := 0, 0
	warn := &warnings{w: p.stderr}
	draw, hide := progress(p.stderr, "deleting", "trace", ids.count)
	err := ids.batches(idsAtOnce, func(batch []string) error {
		deletions, err := store.Retry{}.DeleteTraces(ctx, s, batch)
		for _, deletion := range deletions {
			if deletion.Notifications > 0 {
				t.add(deletion.Notifications)
			}
			if deletion.Err != nil {
				kept++
				warn.add(deletion.Err.Error())
			}
		}
		done += len(batch)
		draw(done)
		return err
	})
	hide()
	warn.close()
	p.report(t)
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%w; run the command again to delete the rest", err)
	case err == nil && kept > 0:
		return fmt.Errorf("%s could not be deleted", counted(kept, "trace"))
	}
	return err
}
