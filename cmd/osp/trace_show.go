package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
)

type traceShow struct {
	showFlags
	traces  *showTraces
	stdout  io.Writer
	options []render.TextOption
}

func newTraceShow() *cobra.Command {
	var flags showFlags
	cmd := &cobra.Command{
		Use:   "show BASE_ID|PREFIX|FILE|- ...",
		Short: "Show traces",
		Long: `Show traces of a store, or reports that were saved with --json or --html by this tool
or by the Python tool, one after another.

An argument that reads like a UUID, with or without dashes, is a base id. It is
looked for as it was typed, and then in its lower-case, dashed form. "-" is a saved
report on the standard input. Anything else is a file if there is one of that name,
else a base id, else the first characters of one (at least 4) that no other of the
newest 10,000 traces begins with.

The text ends with the findings: what failed, and what took the time. trace analyze
tells more.`,
		Example: `  osp trace show 2130e762-6fff-43b5-a1a2-be4dbd944bd2
  osp trace show 2130e762 -v
  osp trace show 2130e762-6fff-43b5-a1a2-be4dbd944bd2 --json --out trace.json
  osp trace show 2130e762 --html --out trace.html
  osp trace show trace.json --dot | dot -Tsvg > trace.svg
  osp trace show 2130e762 --folded | flamegraph.pl --countname us > trace.svg`,
		Args: anyTraces,
		RunE: verb(flags.run),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return completeBaseID(cmd.Context(), flags.connection, typed), cobra.ShellCompDirectiveDefault
		},
	}
	flags.add(cmd)
	return cmd
}

func anyTraces(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("give a base id, or a file with a saved report")
	}
	return nil
}

// run shows the traces that the arguments name. If some of them are not found, run
// shows the others and returns an error that wraps store.ErrNotFound.
func (f *showFlags) run(cmd *cobra.Command, args []string) (err error) {
	if err := f.check(cmd, args); err != nil {
		return err
	}
	ctx := cmd.Context()
	s := &traceShow{showFlags: *f, stdout: cmd.OutOrStdout()}
	s.traces = &showTraces{showFlags: &s.showFlags, stdin: cmd.InOrStdin(), left: args}
	defer func() { err = errors.Join(err, s.traces.close()) }()
	report, err := s.traces.next(ctx)
	if err != nil || report == nil {
		return s.traces.withMissing(err)
	}
	if flag, more := s.single(), len(s.traces.more); flag != "" && more > 0 {
		return usagef("%s one trace, not the %d of %q", flag, more+1, s.traces.file)
	}
	if s.renderDot != "" && s.form == formDot {
		if err := s.renderGraph(ctx, report); err != nil {
			return err
		}
	}
	s.options = s.textOptions(cmd, s.stdout)
	warn := &warnings{w: cmd.ErrOrStderr()}
	err = writeTo(ctx, s.out, s.stdout, func(w io.Writer) error { return s.writeAll(ctx, w, report, warn) })
	warn.close()
	return s.traces.withMissing(err)
}

// writeAll writes the report, and the reports of the remaining arguments.
func (s *traceShow) writeAll(ctx context.Context, w io.Writer, report *reader.Report, warn *warnings) error {
	for {
		if err := s.write(w, report); err != nil {
			return err
		}
		if s.form != formText { // because the text has the warnings itself
			for _, warning := range report.Warnings {
				warn.add(warning)
			}
		}
		next, err := s.traces.next(ctx)
		if err != nil || next == nil {
			return err
		}
		report = next
		if s.form == formText {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
	}
}

// write writes one report in the form that the flags select.
func (s *traceShow) write(w io.Writer, report *reader.Report) error {
	switch {
	case s.form == formJSON:
		return render.JSON(w, report)
	case s.form == formDot && s.python && s.out == "" && isTerminal(s.stdout):
		return visibleDot(w, report)
	case s.form == formDot:
		return s.writeGraph(w, report)
	case s.form == formHTML:
		return writePage(w, report)
	case s.form == formFolded:
		return analyze.Folded(w, report)
	}
	return render.Text(w, report, s.options...)
}

func (s *traceShow) writeGraph(w io.Writer, report *reader.Report) error {
	if s.python {
		return python.Dot(w, report)
	}
	return render.Dot(w, report)
}

// textOptions returns the options for drawing the text, according to the terminal, the locale
// and the flags.
func (f *showFlags) textOptions(cmd *cobra.Command, stdout io.Writer) []render.TextOption {
	screen := stdout
	if f.out != "" {
		screen = nil // because the file is not a terminal
	}
	isASCII := !localeHasUTF8()
	if cmd.Flags().Changed("ascii") {
		isASCII = f.ascii
	}
	return []render.TextOption{
		render.WithWidth(width(screen)), render.WithColor(color(screen)),
		render.WithASCII(isASCII), render.WithVerbose(f.verbose), render.WithLocation(f.zone.Location()),
		render.WithFindings(!f.noFindings),
	}
}

// A reporter is a reader of our reports or of Python's answers.
type reporter interface {
	Report(ctx context.Context, baseID string) (*reader.Report, error)
	Close() error
}

// emptyReport returns the error for a saved report without operations. The Python tool
// reports that such a trace was not found.
func emptyReport(name string) error {
	return fmt.Errorf("%w: the saved report %q has no operations", store.ErrNotFound, strings.TrimPrefix(name, "./"))
}
