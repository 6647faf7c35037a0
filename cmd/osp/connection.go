package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

const connectionVariable = "OSPROFILER_CONNECTION_STRING"

// addConnectionString adds the flag. What the environment says is not its
// default, since --help shows defaults and the string may hold a password.
func addConnectionString(cmd *cobra.Command, s *string) {
	cmd.Flags().StringVar(s, "connection-string", "",
		"the `store`, like sqlite:////var/lib/traces.db (default: what "+connectionVariable+" says)")
	completeConnectionString(cmd, "connection-string")
}

// connectionString returns the flag's value or the environment's.
func connectionString(flag string) (string, error) {
	if flag == "" {
		flag = os.Getenv(connectionVariable)
	}
	if flag == "" {
		return "", usagef("no store is named: give --connection-string, or set %s", connectionVariable)
	}
	return flag, nil
}

func openReader(ctx context.Context, flag string, upstream bool) (*reader.Reader, error) {
	s, err := connectionString(flag)
	if err != nil {
		return nil, err
	}
	var opts []reader.Option
	if upstream {
		opts = append(opts, reader.WithUpstreamAnswers())
	}
	return reader.Open(ctx, s, opts...)
}

// completeConnectionString offers the schemes of the linked back ends.
func completeConnectionString(cmd *cobra.Command, flag string) {
	complete := func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if strings.Contains(typed, "://") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var schemes []string
		for _, scheme := range store.Schemes() {
			schemes = append(schemes, scheme+"://")
		}
		return schemes, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the flag is not defined: a programming error
	}
}
