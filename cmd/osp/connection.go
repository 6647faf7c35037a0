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

// addConnectionString adds the flag --connection-string. The value of the
// environment variable is not the flag's default, because --help shows defaults
// and the value may contain a password.
func addConnectionString(cmd *cobra.Command, s *string) {
	cmd.Flags().StringVar(s, "connection-string", "",
		"the `store`, like sqlite:////var/lib/traces.db (default: the value of "+connectionVariable+")")
	completeConnectionString(cmd, "connection-string")
}

// connectionString returns the value of the flag, or of the environment variable.
func connectionString(flag string) (string, error) {
	if flag == "" {
		flag = os.Getenv(connectionVariable)
	}
	if flag == "" {
		return "", usagef("no store is named: give --connection-string, or set %s", connectionVariable)
	}
	return flag, nil
}

func openReader(ctx context.Context, flag string) (*reader.Reader, error) {
	s, err := connectionString(flag)
	if err != nil {
		return nil, err
	}
	return reader.Open(ctx, s)
}

// completeConnectionString offers the schemes of all back ends.
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
		panic(err) // a programming error: the flag is not defined
	}
}
