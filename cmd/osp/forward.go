package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

type forward struct {
	from, to     []string
	baseIDs      []string
	since, until when
	failed       errorTrace
	minDuration  leastDuration
	dryRun       bool

	osloPaths  []string
	namePrefix string // of the services in spans
	redact     redaction
	maxAge     leastDuration // how long half an operation waits

	following bool
	follow    follow
	log       *slog.Logger // of the relay

	masked []string // texts with passwords that are not in the arguments
}

func newForward() *cobra.Command {
	f := &forward{since: when{now: time.Now}, until: when{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "forward [--from SOURCE ...] [--to TARGET ...]",
		Short: "Copy traces between stores, buses, OTLP and Jaeger, once or as they come",
		Long: `Copy the notifications of all traces, of those that began in a time range, or of
those named by --base-id, from one store to another, or to an OTLP or Jaeger
server. With --follow, go on with what comes, until the command is stopped.

A source is a store or a message bus, and with --follow also an address to listen
on for spans: otlp+grpc://127.0.0.1:4317 or otlp+http://127.0.0.1:4318. A target is a
store, a message bus, or a server that takes spans (otlp://, jaeger://). Stores get
the notifications unchanged; servers get spans. --from and --to may be given
several times: every target gets everything from every source.

Notifications are moved from a message bus (messaging://, rabbit://, kafka://): a
message is acknowledged, and so leaves the bus, when all targets have its
notification. Without --follow, the command ends when no message has come for
idle_timeout (an option of the connection string, 1 s by default). After an
interruption, what the targets have is acknowledged, and the bus keeps the rest. With
--base-id, --since, --until or --dry-run, the messages that lie on the bus are copied,
and none is taken away.

A store gets only notifications that it lacks. So it is safe to run the command again,
also after an interruption. A bus and a server of spans get everything again; a span
that comes again has the same ids. An entry that cannot be read is skipped with a
warning; everything else is copied, and the exit code is 1.

Without --from, the source is the store that ` + connectionVariable + ` names;
without --to, the target is the one that ` + targetVariable + ` names. The
environment keeps a password out of the process list. --config reads all options from
a YAML file instead, whose keys are the names of the flags. --config-file reads the
source from the configuration file of an OpenStack service.

` + timeForms + ` --since is
inclusive, --until exclusive. They select traces by the time of their first event,
as "osp trace list" does. A trace is never cut: of a selected trace everything is
copied.

With --follow, traces are selected by --service, --name, --error-trace and
--min-duration, when they have been complete for the time of --settle. docs/relay.md
tells how to run it as a service.`,
		Example: `  osp forward --from file:///backup/traces.jsonl --to sqlite:////var/lib/osprofiler/traces.db
  osp forward --to sqlite:///archive.db --since 7d --dry-run
  osp forward --to sqlite:///archive.db --base-id 2130e762-6fff-43b5-a1a2-be4dbd944bd2
  osp forward --from redis://10.0.0.5:6379 --to otlp+grpc://127.0.0.1:4317
  osp forward --follow --config-file /etc/nova/nova.conf --to otlp://127.0.0.1:4318 --state /var/lib/osp
  osp forward --config /etc/osprofiler/relay.yaml`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			return f.mask(f.run(cmd.Context(), cmd, cmd.ErrOrStderr()))
		}),
	}
	f.addFlags(cmd)
	f.complete(cmd)
	return cmd
}

// targetVariable is the environment variable for the target, so that the target's password is
// not in the process list.
const targetVariable = "OSPROFILER_FORWARD_TO"

func (f *forward) run(ctx context.Context, cmd *cobra.Command, stderr io.Writer) error {
	if err := applyConfig(ctx, cmd); err != nil {
		return err
	}
	f.fromEnvironment()
	err := f.fromOslo(cmd.Flags().Changed(prefixFlag))
	f.masked = slices.Concat(f.from, f.to)
	if err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	if f.following {
		return f.runFollow(ctx, stderr)
	}
	return f.runOnce(ctx, stderr)
}

// fromEnvironment sets the source and the target from the environment if no flag names them.
func (f *forward) fromEnvironment() {
	notEmpty := func(list []string, variable string) []string {
		list = slices.DeleteFunc(list, func(text string) bool { return strings.TrimSpace(text) == "" })
		if text := os.Getenv(variable); len(list) == 0 && text != "" {
			list = []string{text}
		}
		return list
	}
	if len(f.osloPaths) > 0 {
		f.from = notEmpty(f.from, "") // because the file names the source
	} else {
		f.from = notEmpty(f.from, connectionVariable)
	}
	f.to = notEmpty(f.to, targetVariable)
}

// check refuses flags that are missing or that contradict each other.
func (f *forward) check(cmd *cobra.Command) error {
	ranged := !f.since.IsZero() || !f.until.IsZero()
	selecting := ranged || f.failed.on || f.minDuration.Duration > 0
	switch {
	case len(f.from) == 0:
		return usagef("no source is named: give --from, or set %s", connectionVariable)
	case len(f.to) == 0:
		return usagef("no target is named: give --to, or set %s", targetVariable)
	case len(f.baseIDs) > 0 && ranged:
		return usagef("--base-id names the traces; --since and --until cannot be given with it")
	case len(f.baseIDs) > 0 && selecting && !f.following:
		return usagef("--base-id names the traces; --error-trace and --min-duration cannot be given with it")
	case !f.since.IsZero() && !f.until.IsZero() && !f.since.Before(f.until.Time):
		return usagef("--since %s should be before --until %s", &f.since, &f.until)
	}
	if err := f.checkTwice(); err != nil {
		return err
	}
	if err := f.checkSpanFlags(cmd); err != nil {
		return err
	}
	if f.following {
		return f.checkFollow(cmd)
	}
	return f.checkOnce(cmd)
}

// checkTwice refuses a source or a target that is named twice. Two connection strings that
// differ in an option, such as the topics of a bus, are different.
func (f *forward) checkTwice() error {
	for flag, list := range map[string][]string{"from": f.from, "to": f.to} {
		for i, text := range list {
			if slices.ContainsFunc(list[:i], func(other string) bool { return strings.TrimSpace(text) == strings.TrimSpace(other) }) {
				return usagef("--%s names %s twice", flag, connstr.Redact(text, text))
			}
		}
	}
	return nil
}

// checkSpanFlags refuses flags about spans if no target gets spans.
func (f *forward) checkSpanFlags(cmd *cobra.Command) error {
	if slices.ContainsFunc(f.to, store.IsSink) {
		return nil
	}
	for _, name := range []string{maxAgeFlag, prefixFlag} {
		if cmd.Flags().Changed(name) {
			return usagef("--%s has a meaning only if a target gets spans, such as --to otlp+http://127.0.0.1:4318", name)
		}
	}
	return nil
}

// A maskedError hides passwords that came from a file.
type maskedError struct {
	error
	texts []string
}

func (e maskedError) Error() string { return connstr.Redact(e.error.Error(), e.texts...) }

func (e maskedError) Unwrap() error { return e.error }

func (f *forward) mask(err error) error {
	if err == nil || len(f.masked) == 0 {
		return err
	}
	return maskedError{err, f.masked}
}

var errSameStore = errors.New("the source and the target are the same store (--from and --to, or " +
	connectionVariable + " and " + targetVariable + ")")
