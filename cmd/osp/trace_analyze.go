package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// An analysisCommand is the command trace analyze or trace diff.
type analysisCommand struct {
	showFlags
	traces *showTraces
	stdout io.Writer
}

func newTraceAnalyze() *cobra.Command {
	c := &analysisCommand{}
	cmd := &cobra.Command{
		Use:   "analyze BASE_ID|PREFIX|FILE|- ...",
		Short: "Show where the time of traces went",
		Long: `Show where the time of traces went: the findings with which trace show ends, the calls
that are on the critical path, the repeated calls, and the time by service.

The arguments are those of trace show. With --json, the whole analysis is written,
one object a line for each trace. Its members are documented in docs/analysis.md.`,
		Example: `  osp trace analyze 2130e762-6fff-43b5-a1a2-be4dbd944bd2
  osp trace analyze trace.json --json | jq '.repeated[] | {what, count, wall_us}'`,
		Args: anyTraces,
		RunE: verb(c.analyze),
	}
	c.add(cmd, "write the analysis as JSON, one object a line")
	return cmd
}

func (c *analysisCommand) add(cmd *cobra.Command, jsonUsage string) {
	addConnectionString(cmd, &c.connection)
	addStoreOfService(cmd, &c.connection)
	flags := cmd.Flags()
	flags.BoolVar(&c.json, "json", false, jsonUsage)
	flags.BoolVar(&c.ascii, "ascii", false, "write without UTF-8 (the default if the locale has none)")
	flags.StringVar(&c.out, "out", "", "write to a `file`, whole or not at all")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completeBaseID(cmd.Context(), c.connection, typed), cobra.ShellCompDirectiveDefault
	}
}

// open prepares to read the traces that the arguments name.
func (c *analysisCommand) open(cmd *cobra.Command, args []string) error {
	if err := c.check(cmd, args); err != nil {
		return err
	}
	c.stdout = cmd.OutOrStdout()
	c.traces = &showTraces{showFlags: &c.showFlags, stdin: cmd.InOrStdin(), left: args}
	return nil
}

// analyze writes the analyses of the traces. If some are not found, analyze writes the
// others and returns an error that wraps store.ErrNotFound.
func (c *analysisCommand) analyze(cmd *cobra.Command, args []string) (err error) {
	if err := c.open(cmd, args); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.traces.close()) }()
	ctx := cmd.Context()
	report, err := c.traces.next(ctx)
	if err != nil || report == nil {
		return c.traces.withMissing(err)
	}
	options := c.textOptions(cmd, c.stdout)
	err = writeTo(ctx, c.out, c.stdout, func(w io.Writer) error { return c.writeAnalyses(ctx, w, report, options) })
	return c.traces.withMissing(err)
}

// writeAnalyses writes the analyses of a report and of the reports of the remaining
// arguments.
func (c *analysisCommand) writeAnalyses(ctx context.Context, w io.Writer, report *reader.Report, options []render.TextOption) error {
	for {
		a := analyze.Trace(report)
		if err := c.write(w, a, func() error { return render.Analysis(w, a, options...) }); err != nil {
			return err
		}
		next, err := c.traces.next(ctx)
		if err != nil || next == nil {
			return err
		}
		report = next
		if !c.json {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
	}
}

// write writes a result as one line of JSON, or as text.
func (c *analysisCommand) write(w io.Writer, result any, text func() error) error {
	if !c.json {
		return text()
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}
