package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/reader"
)

func newTraceOpen() *cobra.Command {
	flags := showFlags{form: formHTML}
	cmd := &cobra.Command{
		Use:   "open BASE_ID|PREFIX|FILE|-",
		Short: "Show a trace in the web browser",
		Long: `Write a trace as a web page, as trace show --html does, and open the web browser.

The page is a file that only you can read, in a folder of its own among the temporary
files (TMPDIR). The path is written to the standard output. osp does not remove the
file, because the browser reads it at any time later.

The variable BROWSER selects the browser, as for Python's module webbrowser: commands
with %s for the address, separated by colons (semicolons on Windows). Otherwise it is
the browser of the desktop. Without a browser, the path is all.`,
		Example: `  osp trace open 2130e762-6fff-43b5-a1a2-be4dbd944bd2
  osp trace open trace.json
  BROWSER='firefox %s' osp trace open 2130e762`,
		Args: oneTrace,
		RunE: verb(flags.open),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return completeBaseID(cmd.Context(), flags.connection, typed), cobra.ShellCompDirectiveDefault
		},
	}
	addConnectionString(cmd, &flags.connection)
	addStoreOfService(cmd, &flags.connection)
	return cmd
}

func oneTrace(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("give one base id, or a file with a saved report")
	}
	return nil
}

// open writes the page of the trace that the argument names, and opens it.
func (f *showFlags) open(cmd *cobra.Command, args []string) (err error) {
	ctx := cmd.Context()
	traces := &showTraces{showFlags: f, stdin: cmd.InOrStdin(), left: args}
	defer func() { err = errors.Join(err, traces.close()) }()
	report, err := traces.next(ctx)
	if err != nil || report == nil {
		return traces.withMissing(err)
	}
	if more := len(traces.more); more > 0 {
		return usagef("trace open shows one trace, not the %d of %q", more+1, traces.file)
	}
	path, err := temporaryPage(ctx, report)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), path); err != nil {
		return err
	}
	hint := snapHint(path)
	if err := browse(ctx, path); err != nil {
		hint = fmt.Sprintf("%v; open the file above in one\n", err)
	}
	_, err = io.WriteString(cmd.ErrOrStderr(), hint)
	return err
}

// pagesPrefix begins the names of the folders of temporary pages.
const pagesPrefix = "osp-trace-"

// temporaryPage writes a page that only the user can read.
func temporaryPage(ctx context.Context, report *reader.Report) (path string, err error) {
	folder, err := os.MkdirTemp("", pagesPrefix)
	if err == nil {
		folder, err = filepath.Abs(folder) // TMPDIR may be relative
	}
	if err != nil {
		return "", fmt.Errorf("cannot make a folder for the page: %w", files.Reason(err))
	}
	path = filepath.Join(folder, pageName(report))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		o := output{file, fmt.Sprintf("the file %q", path)}
		err = errors.Join(o.write(ctx, func(w io.Writer) error { return writePage(w, report) }), o.failed(file.Close()))
	}
	if err != nil {
		_ = os.RemoveAll(folder)
		return "", err
	}
	return path, nil
}

// pageName returns the file name of the page of a trace. It does not trust the base id,
// because that may be any text.
func pageName(report *reader.Report) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '-':
			return r
		}
		return -1
	}, report.BaseID)
	if id == "" {
		return "trace.html"
	}
	return "trace-" + id[:min(len(id), 64)] + ".html"
}
