package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of osp, Go and OpenTelemetry",
		Args:  noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			return writeVersion(cmd.OutOrStdout())
		}),
	}
}

func writeVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "osp            %s\ngo             %s %s/%s\nopentelemetry  %s\n",
		version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, dependency("go.opentelemetry.io/otel/sdk"))
	return err
}

const unknownVersion = "unknown"

// version returns the version of the module that the go command recorded in the
// program: a tag, or a pseudo-version with the commit. It returns "unknown" in a
// test binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return unknownVersion
	}
	v := info.Main.Version
	if v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return v + " " + s.Value
		}
	}
	return v
}

// dependency returns the version of a module that the program contains.
func dependency(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return unknownVersion
}
