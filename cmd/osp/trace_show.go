package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
)

type traceShow struct {
	connection      string
	json, dot, text bool
	python          bool
	out             string
}

func newTraceShow() *cobra.Command {
	s := &traceShow{}
	cmd := &cobra.Command{
		Use:   "show BASE_ID|FILE",
		Short: "Show one trace",
		Long: `Show one trace of a store, or a report that was saved with --json by this tool or
by the Python tool.

An argument that reads like a UUID, with or without dashes, is a base id. It is
looked for as it was typed, and then in its lower-case, dashed form. Anything else
is a file if there is one of that name, else a base id.`,
		Example: `  osp trace show 2130e762-6fff-43b5-a1a2-be4dbd944bd2
  osp trace show 2130e762-6fff-43b5-a1a2-be4dbd944bd2 --json --out trace.json
  osp trace show trace.json --dot | dot -Tsvg > trace.svg`,
		Args: oneTrace,
		RunE: verb(func(cmd *cobra.Command, args []string) error {
			if s.out == "" && cmd.Flags().Changed("out") {
				return usagef("--out names no file; leave it out to write to the standard output")
			}
			return s.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeBaseID(cmd.Context(), s.connection, typed), cobra.ShellCompDirectiveDefault
		},
	}
	addConnectionString(cmd, &s.connection)
	flags := cmd.Flags()
	flags.BoolVar(&s.text, "text", false, "draw a tree (the default)")
	flags.BoolVar(&s.json, "json", false, "write the report as the Python tool does")
	flags.BoolVar(&s.dot, "dot", false, "write a graph for Graphviz")
	addPython(cmd, &s.python, "give the answer of the Python tool, also where it is wrong or fails")
	flags.StringVar(&s.out, "out", "", "write to a `file`, whole or not at all")
	return cmd
}

func oneTrace(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one base id, or one file with a saved report, not %d", len(args))
	}
	return nil
}

func (s *traceShow) run(ctx context.Context, trace string, stdout, stderr io.Writer) error {
	if s.text && s.json || s.json && s.dot || s.text && s.dot {
		return usagef("give only one of --text, --json and --dot")
	}
	report, err := s.report(ctx, trace)
	if err != nil {
		return err
	}
	if s.json || s.dot { // the text tells the warnings itself
		warn := &warnings{w: stderr}
		defer warn.close()
		for _, w := range report.Warnings {
			warn.add(w)
		}
	}
	return writeTo(ctx, s.out, stdout, func(w io.Writer) error {
		switch {
		case s.json:
			return render.JSON(w, report)
		case s.dot && s.python && s.out == "" && isTerminal(stdout):
			return visibleDot(w, report)
		case s.dot && s.python:
			return python.Dot(w, report)
		case s.dot:
			return render.Dot(w, report)
		case s.out != "":
			stdout = nil // the file is no terminal
		}
		return render.Text(w, report, render.WithWidth(width(stdout)), render.WithColor(color(stdout)))
	})
}

// visibleDot writes the Python tool's graph to a terminal. That graph holds
// stored texts as they are, control characters included.
func visibleDot(w io.Writer, report *reader.Report) error {
	var graph strings.Builder
	if err := python.Dot(&graph, report); err != nil {
		return err
	}
	for line := range strings.Lines(graph.String()) {
		text := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "\t")
		if _, err := fmt.Fprintf(w, "\t%s\n", safetext.Escape(text)); err != nil {
			return err
		}
	}
	return nil
}

// report returns the report of the trace or the file that the argument names.
func (s *traceShow) report(ctx context.Context, trace string) (*reader.Report, error) {
	if _, isID := osprofiler.ParseUUID(trace); isID {
		return s.stored(ctx, trace)
	}
	info, err := os.Stat(trace)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%q is a directory; show takes a base id, or a file that --json saved", trace)
	case err == nil:
		return savedReport(ctx, trace, info)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("cannot read the file %q: permission denied", trace)
	case s.python:
		return nil, fmt.Errorf("there is no file %q, and the Python tool reads only UUIDs as base ids: give a base id or the path of a saved report", trace)
	case s.connection == "" && os.Getenv(connectionVariable) == "":
		return nil, usagef("there is no file %q; to look for a trace of that base id, give --connection-string, or set %s", trace, connectionVariable)
	}
	return s.stored(ctx, trace)
}

// The size of a saved report. A pipe and a device may have no end.
const (
	mostReport      = 1 << 30   // in a regular file
	mostPipedReport = 256 << 20 // from a pipe or a device
)

func savedReport(ctx context.Context, name string, info fs.FileInfo) (*reader.Report, error) {
	most := uint64(mostReport)
	if !info.Mode().IsRegular() {
		most = mostPipedReport
	}
	text, err := readBounded(ctx, name, most)
	if err != nil {
		return nil, err
	}
	report, err := reader.ParseReport(text)
	if err != nil {
		return nil, fmt.Errorf("%q should be a report that --json saved: %w", name, err)
	}
	return report, nil
}

// canonicalID is the lower-case, dashed form of an id that reads like a UUID;
// any other is its own.
func canonicalID(id string) string {
	if u, ok := osprofiler.ParseUUID(id); ok {
		return u.String()
	}
	return id
}

// A reporter is a reader of our answers or of Python's.
type reporter interface {
	Report(ctx context.Context, baseID string) (*reader.Report, error)
	Close() error
}

func (s *traceShow) open(ctx context.Context) (reporter, error) {
	if s.python {
		return openPython(ctx, s.connection)
	}
	return openReader(ctx, s.connection)
}

// stored reads the report of a trace. If there is no trace of the id as it was
// typed, stored tries the canonical id, which the Python tool does not.
func (s *traceShow) stored(ctx context.Context, baseID string) (report *reader.Report, err error) {
	r, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	report, err = r.Report(ctx, baseID)
	canonical := canonicalID(baseID)
	if !errors.Is(err, store.ErrNotFound) || s.python || canonical == baseID {
		return report, err
	}
	if other, errOther := r.Report(ctx, canonical); !errors.Is(errOther, store.ErrNotFound) {
		return other, errOther
	}
	return report, err
}
