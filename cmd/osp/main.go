// The osp command lists, shows, copies and deletes the traces of an OSProfiler store.
// docs/command.md is its manual.
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
	"time"

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

// sameSignal is how long a second signal counts as the same one, because `timeout` and other
// programs that stop a command send the signal to the command and to its process group.
const sameSignal = 300 * time.Millisecond

func main() {
	logGRPC()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(sameSignal, stop) }) // the second signal ends the program at once
	os.Exit(interrupted(ctx, func(ctx context.Context) int { return execute(ctx, newRoot(), os.Args[1:], os.Stderr) }, os.Stderr))
}

// execute runs the command line and writes an error to stderr in one sentence.
func execute(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	expanded := joinErrorTrace(expandOptions(root, args))
	root.SetArgs(expanded)
	cmd, _, err := root.Find(expanded)
	if err == nil {
		err = refuseFlagsAsValues(cmd, expanded)
	}
	if err == nil {
		cmd, err = root.ExecuteContextC(ctx)
	}
	code := exitCode(err)
	var logged loggedError
	if err != nil && !errors.As(err, &logged) {
		arguments := append(slices.Clone(args), os.Getenv(connectionVariable), os.Getenv(targetVariable))
		fmt.Fprintln(stderr, "osp:", printable(oneLine(connstr.Redact(sentence(ctx, err), arguments...))))
	}
	if code == exitUsage {
		fmt.Fprintf(stderr, "Try: %s --help\n", cmd.CommandPath())
	}
	return code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "osp",
		Short: "Read, copy and delete the traces of an OSProfiler store",
		Long: `osp lists, shows, copies and deletes traces in a store. OpenStack's OSProfiler, or
the OpenTelemetry exporter of this project, has written them there.

Name the store by --connection-string, or by OSPROFILER_CONNECTION_STRING in
the environment, which keeps a password out of the process list.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 trace not found.`,
		Example: `  export OSPROFILER_CONNECTION_STRING=sqlite:////var/lib/osprofiler/traces.db
  osp trace list --since 2h
  osp trace show 2130e762-6fff-43b5-a1a2-be4dbd944bd2`,
		Args:          cobra.ArbitraryArgs, // checked by group
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          group,
	}
	root.AddCommand(newTrace(), newPrune(), newForward(), newHeaders(), newCheck(), newVersion(), newMan())
	root.InitDefaultCompletionCmd()
	quoteInFish(root)
	strictly(root)
	root.Version = version()
	root.SetFlagErrorFunc(explainFlag)
	root.SetVersionTemplate("osp {{.Version}}\n")
	return root
}

// group runs a command that only has subcommands: it shows the help, or an error
// for an unknown subcommand.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2 // at most 2 letters differ
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		err = fmt.Errorf("%w; did you mean %q?", err, similar[0])
	}
	return err
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// A runError is an error of a verb that ran. Any other error means that the command
// line is wrong.
type runError struct{ error }

func (e runError) Unwrap() error { return e.error }

// A usageError is an error of a verb that means that the command line is wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// verb returns a function that runs a verb and marks its errors as a [runError].
func verb(run func(cmd *cobra.Command, args []string) error) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := run(cmd, args); err != nil {
			return runError{err}
		}
		return nil
	}
}

func exitCode(err error) int {
	var ran runError
	var wrong usageError
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

// oneLine joins the lines of joined errors into one line.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
