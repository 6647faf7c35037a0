package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// report reads the traces of the requests from the store and shows them.
func report(ctx context.Context, out io.Writer, connectionString string, requests []request) (err error) {
	r, err := reader.Open(ctx, connectionString)
	if errors.Is(err, errors.ErrUnsupported) { // a sink, like otlp://
		_, err = fmt.Fprintln(out, "The traces are sent. This program cannot read them back: look at them in the back end that received them.")
		return err
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for i, req := range requests {
		trace, err := r.Report(ctx, req.baseID)
		if err != nil {
			return err
		}
		heading(out, fmt.Sprintf("%d. %s: %s", i+1, req.title, outcome(req)))
		if err := render.Text(out, trace, render.WithWidth(width(out)), render.WithColor(color(out)), render.WithFindings(true)); err != nil {
			return err
		}
	}
	next(out, connectionString, requests)
	return nil
}

func outcome(req request) string {
	if req.err != nil {
		return req.err.Error()
	}
	return "done"
}

func heading(out io.Writer, text string) {
	fmt.Fprintf(out, "\n%s\n%s\n", text, strings.Repeat("=", len(text)))
}

// next prints commands to try next.
func next(out io.Writer, connectionString string, requests []request) {
	heading(out, "Next")
	store := " --connection-string " + defaultStore
	if connectionString != defaultStore { // it may contain a password, so it is not printed
		fmt.Fprintln(out, "Set OSPROFILER_CONNECTION_STRING to the same connection string, then try these.")
		store = ""
	}
	try := func(what, args string) { fmt.Fprintf(out, "%s:\n  go run ./cmd/osp %s%s\n", what, args, store) }
	try("List the traces", "trace list")
	try("List the failed traces only", "trace list --error-trace")
	for _, req := range requests {
		if req.err != nil {
			try("Show a trace", "trace show "+req.baseID)
			try("Show the report of OSProfiler's own tool for it", "trace show "+req.baseID+" --json --python")
		}
	}
}

// width returns the number of columns: the value of COLUMNS, or else the width of
// the terminal, or else 110, which is enough for most lines.
func width(out io.Writer) int {
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	if file, ok := out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
			return columns
		}
	}
	return 110
}

func color(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
}
