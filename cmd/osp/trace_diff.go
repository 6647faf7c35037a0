package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

func newTraceDiff() *cobra.Command {
	c := &analysisCommand{}
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two traces: what became slower or faster, came or went",
		Long: `Compare two traces. A and B are each a base id, the first characters of one, a file
that trace show --json saved, or "-" for a saved report on the standard input.

The operations are matched by their place in the tree and by what they call: the
statement without its literals, the request without the ids in its path, or the
function. The times are those of the operations themselves, without what they called,
so that one slow call is one difference. Calls that came or went have the time of all
below them. Differences of less than a hundredth of the longer trace are only
counted; --json lists all of them.`,
		Example: `  osp trace diff 2130e762 9b5a0158
  osp trace diff yesterday.json 9b5a0158-dbf2-4a2f-a2b3-1e1ddeb8604b --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("give two traces to compare, not %d", len(args))
			}
			return nil
		},
		RunE: verb(c.diff),
	}
	c.add(cmd, "write all differences as one object of JSON")
	return cmd
}

// diff compares two traces.
func (c *analysisCommand) diff(cmd *cobra.Command, args []string) (err error) {
	if err := c.open(cmd, args); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.traces.close()) }()
	ctx := cmd.Context()
	reports, err := c.two(ctx, args)
	if err != nil {
		return err
	}
	d := analyze.Diff(reports[0], reports[1])
	options := c.textOptions(cmd, c.stdout)
	return writeTo(ctx, c.out, c.stdout, func(w io.Writer) error {
		return c.write(w, d, func() error { return render.Difference(w, d, options...) })
	})
}

// two returns the reports of the two arguments.
func (c *analysisCommand) two(ctx context.Context, args []string) (reports []*reader.Report, err error) {
	for {
		report, err := c.traces.next(ctx)
		if err := c.traces.withMissing(err); err != nil {
			return nil, err
		}
		if report == nil {
			break
		}
		reports = append(reports, report)
	}
	if len(reports) != 2 {
		return nil, usagef("give two traces to compare: %q and %q have %d", args[0], args[1], len(reports))
	}
	return reports, nil
}
