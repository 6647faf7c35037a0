package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/reader/python"
)

func newTrace() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "List, show, open, compare and delete the traces of a store",
		RunE:  group,
	}
	cmd.AddCommand(newTraceList(), newTraceShow(), newTraceOpen(), newTraceAnalyze(), newTraceDiff(), newTraceDelete())
	return cmd
}

// addPython adds the flag --python and its older name --upstream.
func addPython(cmd *cobra.Command, on *bool, usage string) {
	flags := cmd.Flags()
	flags.BoolVar(on, "python", false, usage)
	flags.BoolVar(on, "upstream", false, "the same as --python")
}

// openPython opens a store for Python's answers.
func openPython(ctx context.Context, flag string) (*python.Reader, error) {
	s, err := connectionString(flag)
	if err != nil {
		return nil, err
	}
	return python.Open(ctx, s)
}
