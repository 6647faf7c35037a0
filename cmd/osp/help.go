package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// strictly makes the verbs that cobra defines, help and completion, return an error for wrong
// arguments. Cobra itself shows a help text for them and succeeds.
func strictly(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Run, cmd.RunE = nil, help
		case "completion":
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, group // checked by group
			for _, shell := range cmd.Commands() {
				shell.Args = noArguments
			}
		}
	}
}

// help shows the help of the command that the arguments name.
func help(cmd *cobra.Command, args []string) error {
	of := cmd.Root()
	for _, name := range args {
		i := slices.IndexFunc(of.Commands(), func(sub *cobra.Command) bool { return sub.Name() == name })
		if i < 0 {
			return group(of, []string{name})
		}
		of = of.Commands()[i]
	}
	of.InitDefaultHelpFlag()
	return of.Help()
}
