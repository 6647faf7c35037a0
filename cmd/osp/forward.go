package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

type forward struct {
	from, to     string
	baseIDs      []string
	since, until when
	dryRun       bool
}

func newForward() *cobra.Command {
	f := &forward{since: when{now: time.Now}, until: when{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "forward [--from STORE] [--to STORE]",
		Short: "Copy traces from one store to another",
		Long: `Copy the notifications of all traces, of those that began in a time range, or of
those named by --base-id, from one store to another.

Only notifications that the target lacks are written. So it is safe to run the
command again, also after an interruption. An entry that cannot be read is
skipped with a warning; everything else is copied, and the exit code is 1.

Without --from, the source is the store that ` + connectionVariable + ` names;
without --to, the target is the one that ` + targetVariable + ` names. The
environment keeps a password out of the process list.

` + timeForms + ` --since is
inclusive, --until exclusive. They select traces by the time of their first event,
as "osp trace list" does. A trace is never cut: of a selected trace everything is
copied.`,
		Example: `  osp forward --from file:///backup/traces.jsonl --to sqlite:////var/lib/osprofiler/traces.db
  osp forward --to sqlite:///archive.db --since 7d --dry-run
  osp forward --to sqlite:///archive.db --base-id 2130e762-6fff-43b5-a1a2-be4dbd944bd2`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.ErrOrStderr())
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "the `store` to read (default: the value of "+connectionVariable+")")
	flags.StringVar(&f.to, "to", "", "the `store` to write to (default: the value of "+targetVariable+")")
	flags.StringArrayVar(&f.baseIDs, "base-id", nil, "copy only the trace of this `id`; may be given several times")
	flags.Var(&f.since, "since", "copy only traces that began at this `time` or later")
	flags.Var(&f.until, "until", "copy only traces that began before this `time`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "write nothing, and say how many notifications would be written")
	f.complete(cmd)
	return cmd
}

// complete offers schemes for the stores, and base ids of the source.
func (f *forward) complete(cmd *cobra.Command) {
	completeConnectionString(cmd, "from")
	completeConnectionString(cmd, "to")
	baseIDs := func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completeBaseID(cmd.Context(), f.from, typed), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("base-id", baseIDs); err != nil {
		panic(err) // the flag is not defined: a programming error
	}
}

// targetVariable names the store to write to, so that its password does not stand
// in the process list.
const targetVariable = "OSPROFILER_FORWARD_TO"

// fromEnvironment names the stores that no flag names.
func (f *forward) fromEnvironment() {
	if f.from == "" {
		f.from = os.Getenv(connectionVariable)
	}
	if f.to == "" {
		f.to = os.Getenv(targetVariable)
	}
}

// check refuses flags that are missing or that contradict each other.
func (f *forward) check() error {
	ranged := !f.since.IsZero() || !f.until.IsZero()
	switch {
	case f.from == "":
		return usagef("no source is named: give --from, or set %s", connectionVariable)
	case f.to == "":
		return usagef("no target is named: give --to, or set %s", targetVariable)
	case sameStore(f.from, f.to):
		return usagef("the source and the target are the same store (--from and --to, or %s and %s)", connectionVariable, targetVariable)
	case len(f.baseIDs) > 0 && ranged:
		return usagef("--base-id names the traces; --since and --until cannot be given with it")
	case !f.since.IsZero() && !f.until.IsZero() && !f.since.Before(f.until.Time):
		return usagef("--since %s should be before --until %s", &f.since, &f.until)
	}
	return nil
}

func (f *forward) run(ctx context.Context, stderr io.Writer) (err error) {
	f.fromEnvironment()
	if err := f.check(); err != nil {
		return err
	}
	from, to, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close(), to.Close()) }()
	if err := f.ready(ctx, from, to); err != nil {
		return err
	}
	return f.copy(ctx, from, to, stderr)
}

// open opens both stores, the source for reading only.
func (f *forward) open(ctx context.Context) (from, to *store.Store, err error) {
	if from, err = store.Open(ctx, f.from, store.WithReadOnly()); err != nil {
		return nil, nil, fmt.Errorf("--from: %w", err)
	}
	if to, err = store.Open(ctx, f.to); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--to: %w", err), from.Close())
	}
	return from, to, nil
}

// ready connects to both stores, so that a target that cannot be written is
// refused before the source is read. A dry run does not connect to the target
// here, because Ping creates what it will write to.
func (f *forward) ready(ctx context.Context, from, to *store.Store) error {
	switch {
	case f.dryRun:
	case to.IsReadOnly():
		return usagef("--to: %s cannot be written, because its connection string has osp_read_only", to.Name())
	case !to.Capabilities().Write:
		return fmt.Errorf("--to: cannot write to %s: %w", to.Name(), errors.ErrUnsupported)
	}
	if err := from.Ping(ctx); err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	if f.dryRun {
		return nil
	}
	if err := to.Ping(ctx); err != nil {
		return fmt.Errorf("cannot write to the target: %w", err)
	}
	return nil
}

// source returns the source of the traces that the flags select.
func (f *forward) source(from *store.Store) relay.Source {
	switch {
	case len(f.baseIDs) > 0:
		return relay.FromBaseIDs(from, f.baseIDs)
	case !f.since.IsZero() || !f.until.IsZero():
		return relay.FromTraces(from, store.Query{Since: f.since.Time, Until: f.until.Time})
	}
	return relay.FromStore(from)
}

func (f *forward) copy(ctx context.Context, from, to *store.Store, stderr io.Writer) error {
	source, target := f.source(from), relay.ToStore(to)
	warn := &warnings{w: stderr}
	draw, hide := progress(stderr, "forwarding", "notification", 0)
	opts := []relay.Option{
		relay.WithProgress(func(c relay.Counts) { draw(c.Read) }),
		relay.WithWarning(func(err error) { warn.add(err.Error()) }),
	}
	if f.dryRun {
		opts = append(opts, relay.WithDryRun())
	}
	counts, err := relay.Copy(ctx, source, []relay.Target{target}, opts...)
	err = errors.Join(err, source.Close(), target.Close())
	hide()
	warn.close()
	fmt.Fprintln(stderr, "osp:", forwarded(counts, f.dryRun))
	if err == nil {
		err = notForwarded(counts, f.dryRun)
	}
	return err
}

// sameStore reports whether both connection strings name the same store, as far
// as the texts tell. If they name it in different ways, forwarding finds every
// notification there already.
func sameStore(from, to string) bool {
	address := func(s string) string {
		_, rest, _ := strings.Cut(s, "://")
		rest, _, _ = strings.Cut(rest, "?")
		return store.Scheme(s) + "://" + path.Clean(rest)
	}
	return address(from) == address(to)
}
