package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of osp to a folder",
		Long: `man writes one manual page for each verb, such as osp-trace-list.1, to a folder. It
creates the folder if it does not exist, and replaces older pages.

The pages have the date of SOURCE_DATE_EPOCH if it is set, so that packages can be
built reproducibly.`,
		Example: `  osp man ~/.local/share/man/man1 && man osp-trace-list`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return fmt.Errorf("give one folder for the manual pages, such as %s ~/.local/share/man/man1", cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: verb(func(cmd *cobra.Command, args []string) error {
			return writeManPages(cmd.Root(), args[0])
		}),
	}
}

func writeManPages(root *cobra.Command, dir string) error {
	err := os.MkdirAll(dir, 0o755) //nolint:gosec // manual pages are for everybody
	if err == nil {
		disableAutoGenTag(root)
		header := &doc.GenManHeader{Section: "1", Source: "osp " + version(), Manual: "OSProfiler"}
		err = doc.GenManTree(root, header, dir)
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("cannot write %q: %w", path.Path, files.Reason(err))
	}
	return err
}

// disableAutoGenTag removes the line with the program that made the page and the date.
func disableAutoGenTag(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	for _, sub := range cmd.Commands() {
		disableAutoGenTag(sub)
	}
}
