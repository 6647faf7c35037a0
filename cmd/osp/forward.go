package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/store"
)

type forward struct {
	from, to string
	baseIDs  []string
}

func newForward() *cobra.Command {
	f := &forward{}
	cmd := &cobra.Command{
		Use:   "forward --from STORE --to STORE",
		Short: "Copy traces from one store to another",
		Long: `Copy the notifications of all traces, or of those named by --base-id, from one
store to another.

Only what the target lacks is written, so it is safe to run again, after an
interruption too. What cannot be read is skipped with a warning; all else is
copied, and the exit code is 1.`,
		Example: `  osp forward --from file:///backup/traces.jsonl --to sqlite:////var/lib/osprofiler/traces.db
  osp forward --from "$OLD" --to "$NEW" --base-id 2130e762-6fff-43b5-a1a2-be4dbd944bd2`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.ErrOrStderr())
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "the `store` to read")
	flags.StringVar(&f.to, "to", "", "the `store` to write to")
	flags.StringArrayVar(&f.baseIDs, "base-id", nil, "copy the trace of this `id` only; may be given several times")
	completeConnectionString(cmd, "from")
	completeConnectionString(cmd, "to")
	return cmd
}

func (f *forward) run(ctx context.Context, stderr io.Writer) (err error) {
	from, to, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close(), to.Close()) }()
	warn := &warnings{w: stderr}
	c := newCopier(from, to, warn)
	hide := showProgress(stderr, c)
	if len(f.baseIDs) > 0 {
		err = c.traces(ctx, f.baseIDs)
	} else {
		err = c.all(ctx)
	}
	hide()
	warn.close()
	fmt.Fprintln(stderr, "osp:", c.copied)
	if err == nil {
		err = c.err()
	}
	return err
}

// showProgress draws on a terminal how far the copier is, until hide is called.
func showProgress(w io.Writer, c *copier) (hide func()) {
	if !isTerminal(w) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("forwarding"),
		progressbar.OptionSetItsString("notifications"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionClearOnFinish(),
	)
	c.progress = func(n copied) { _ = bar.Set(n.read) }
	return func() { _ = bar.Finish() }
}

// open opens both stores, the source for reading only.
func (f *forward) open(ctx context.Context) (from, to store.Store, err error) {
	if f.from == "" || f.to == "" {
		return nil, nil, usagef("forward needs a source and a target: give both --from and --to")
	}
	if sameStore(f.from, f.to) {
		return nil, nil, usagef("--from and --to name the same store")
	}
	if from, err = store.Open(ctx, f.from, store.WithReadOnly()); err != nil {
		return nil, nil, fmt.Errorf("--from: %w", err)
	}
	if to, err = store.Open(ctx, f.to); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--to: %w", err), from.Close())
	}
	return from, to, nil
}

// sameStore tells whether both texts name the same store, as far as the texts
// tell. Where they do not, forwarding finds all of it there already.
func sameStore(from, to string) bool {
	place := func(s string) string {
		_, rest, _ := strings.Cut(s, "://")
		rest, _, _ = strings.Cut(rest, "?")
		return store.Scheme(s) + "://" + path.Clean(rest)
	}
	return place(from) == place(to)
}
