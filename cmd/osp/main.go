// The osp command lists, shows and moves the traces of an OSProfiler store.
// docs/command.md describes it for its users.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all" // every back end
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitNotFound
)

func main() {
	logging.Disable() // the Redis client's own log lines; osp says what was wrong
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	os.Exit(interrupted(ctx, func() int { return execute(ctx, newRoot(), os.Args[1:], os.Stderr) }, os.Stderr))
}

// execute runs the command line and says on stderr, in a sentence, what went wrong.
func execute(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	root.SetArgs(joinErrorTrace(args))
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if err != nil {
		known := append(slices.Clone(args), os.Getenv(connectionVariable))
		fmt.Fprintln(stderr, "osp:", printable(oneLine(connstr.Redact(sentence(ctx, err), known...))))
	}
	if code == exitUsage {
		fmt.Fprintf(stderr, "Try: %s --help\n", cmd.CommandPath())
	}
	return code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "osp",
		Short: "Read and move the traces of an OSProfiler store",
		Long: `osp lists, shows and moves the traces that OpenStack's OSProfiler, or the
OpenTelemetry exporter of this project, left in a store.

The store is named by --connection-string, or by OSPROFILER_CONNECTION_STRING
in the environment, which keeps a password out of the process list.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such trace.`,
		Example: `  export OSPROFILER_CONNECTION_STRING=sqlite:////var/lib/osprofiler/traces.db
  osp trace list --since 2h
  osp trace show 2130e762-6fff-43b5-a1a2-be4dbd944bd2`,
		Args:          cobra.ArbitraryArgs, // checked by group
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          group,
	}
	root.AddCommand(newTrace(), newForward(), newHeaders(), newVersion())
	root.InitDefaultCompletionCmd()
	quoteInFish(root)
	root.Version = version()
	root.SetVersionTemplate("osp {{.Version}}\n")
	return root
}

// group is what a command does that only holds others.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2 // letters that differ
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; perhaps %q is meant", err, near[0])
	}
	return err
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments; here is %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// A failure is an error of a verb that ran. Any other error is of the command
// line itself: wrong usage.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// wrongUsage marks an error of a verb that says that the command line is wrong.
type wrongUsage struct{ error }

func (w wrongUsage) Unwrap() error { return w.error }

func usagef(format string, args ...any) error { return wrongUsage{fmt.Errorf(format, args...)} }

// verb makes a verb's errors tell themselves from those of the command line.
func verb(run func(cmd *cobra.Command, args []string) error) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := run(cmd, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

func exitCode(err error) int {
	var ran failure
	var wrong wrongUsage
	switch {
	case err == nil:
		return exitDone
	case !errors.As(err, &ran), errors.As(err, &wrong), errors.Is(err, store.ErrConnectionString):
		return exitUsage
	case errors.Is(err, store.ErrNotFound):
		return exitNotFound
	}
	return exitFailed
}

func sentence(ctx context.Context, err error) string {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return err.Error()
}

// oneLine joins the lines of joined errors to one.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
