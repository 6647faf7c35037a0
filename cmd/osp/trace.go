package main

import "github.com/spf13/cobra"

func newTrace() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "List the traces of a store, or show one",
		RunE:  group,
	}
	cmd.AddCommand(newTraceList(), newTraceShow())
	return cmd
}
