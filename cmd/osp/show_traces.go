package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// showTraces reads the traces and the files that the arguments of trace show name.
type showTraces struct {
	*showFlags
	stdin   io.Reader
	left    []string // the arguments that are not read yet
	more    []string // the reports of the last file that are not parsed yet
	file    string   // the name of that file
	opened  reporter // nil until a store is needed
	missing []error  // the errors for traces that are not found
	newest  []string // the base ids among which prefixes are looked for; nil until a prefix is given
}

// next returns the report of the next argument that is found, or nil if no argument is left.
// An error other than a missing trace ends the reports.
func (t *showTraces) next(ctx context.Context) (*reader.Report, error) {
	for len(t.left)+len(t.more) > 0 {
		if len(t.more) > 0 {
			text := t.more[0]
			t.more = t.more[1:]
			return parseReport(t.file, text)
		}
		argument := t.left[0]
		t.left = t.left[1:]
		report, err := t.report(ctx, argument)
		if errors.Is(err, store.ErrNotFound) {
			t.missing = append(t.missing, err)
			continue
		}
		return report, err
	}
	return nil, nil
}

// withMissing adds the errors of the arguments that were not found. Only if there is
// no other error, the result wraps store.ErrNotFound.
func (t *showTraces) withMissing(err error) error {
	missing := errors.Join(t.missing...)
	if err == nil || missing == nil {
		return errors.Join(err, missing)
	}
	return fmt.Errorf("%w; %s", err, missing.Error())
}

func (t *showTraces) close() error {
	if t.opened == nil {
		return nil
	}
	return t.opened.Close()
}

// report returns the report of the trace or the file that an argument names.
func (t *showTraces) report(ctx context.Context, argument string) (*reader.Report, error) {
	if argument == "-" {
		return t.standardInput(ctx)
	}
	if _, isID := osprofiler.ParseUUID(argument); isID {
		return t.stored(ctx, argument)
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%q is a directory; give a base id, or a file that --json or --html saved", argument)
	case err == nil:
		return t.savedReport(ctx, argument, info)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("cannot read the file %q: permission denied", argument)
	case t.python:
		return nil, fmt.Errorf("there is no file %q, and the Python tool reads only UUIDs as base ids: give a base id or the path of a saved report", argument)
	case t.connection == "" && os.Getenv(connectionVariable) == "":
		return nil, usagef("there is no file %q; to look for a trace of that base id, give --connection-string, or set %s", argument, connectionVariable)
	}
	report, err := t.stored(ctx, argument)
	if errors.Is(err, store.ErrNotFound) {
		return t.byPrefix(ctx, argument, err)
	}
	return report, err
}

// The largest sizes of a saved report. The size is bounded because a pipe or a device may
// have no end.
const (
	mostReport      = 1 << 30   // in a regular file
	mostPipedReport = 256 << 20 // from a pipe or a device
)

func (t *showTraces) savedReport(ctx context.Context, name string, info fs.FileInfo) (*reader.Report, error) {
	most := uint64(mostReport)
	if !info.Mode().IsRegular() {
		most = mostPipedReport
	}
	text, err := readBounded(ctx, name, most)
	if err != nil {
		return nil, err
	}
	return t.firstReport(name, text)
}

// standardInput reads a saved report from the standard input.
func (t *showTraces) standardInput(ctx context.Context) (*reader.Report, error) {
	text, err := await(ctx, func() (string, error) {
		var text strings.Builder
		_, err := io.Copy(&text, io.LimitReader(t.stdin, mostPipedReport+1))
		return text.String(), err
	})
	if err == nil && len(text) > mostPipedReport {
		err = tooLarge(mostPipedReport)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the standard input: %w", files.Reason(err))
	}
	return t.firstReport("-", text)
}

// firstReport returns the first report of a file. The reports that follow it, as
// trace show --json writes them for several traces, are the next ones.
func (t *showTraces) firstReport(name, text string) (*reader.Report, error) {
	parts := splitReports(text)
	t.file, t.more = name, parts[1:]
	return parseReport(name, parts[0])
}

// splitReports returns the JSON objects of a text. If the text does not consist of
// JSON objects, splitReports returns the whole text.
func splitReports(text string) (parts []string) {
	rest := strings.TrimPrefix(text, "\uFEFF")
	for {
		rest = rest[pyjson.SkipSpace(rest, 0):]
		if rest == "" && len(parts) > 0 {
			return parts
		}
		if !strings.HasPrefix(rest, "{") {
			return []string{text}
		}
		end, err := pyjson.End(rest, 0)
		if err != nil {
			return []string{text}
		}
		parts = append(parts, rest[:end])
		rest = rest[end:]
	}
}

// reportName returns the name of a saved report in errors.
func reportName(name string) string {
	if name == "-" {
		return "the standard input"
	}
	return "the file " + strconv.Quote(name)
}

func parseReport(name, text string) (*reader.Report, error) {
	report, err := reader.ParseReport(text)
	switch {
	case err != nil && strings.TrimSpace(text) == "":
		return nil, fmt.Errorf("%s is empty; it should be a report that --json or --html saved", reportName(name))
	case err != nil:
		return nil, fmt.Errorf("%s should be a report that --json or --html saved: %w", reportName(name), err)
	case len(report.Children) == 0:
		return nil, emptyReport(name)
	}
	return report, nil
}

// canonicalID returns the lower-case form with dashes of an id that can be parsed as a UUID.
// It returns any other id unchanged.
func canonicalID(id string) string {
	if u, ok := osprofiler.ParseUUID(id); ok {
		return u.String()
	}
	return id
}

// open opens the store, once for all arguments.
func (t *showTraces) open(ctx context.Context) (reporter, error) {
	if t.opened != nil {
		return t.opened, nil
	}
	connection, err := connectionString(t.connection)
	if err == nil {
		connection, err = t.bus.apply(connection)
	}
	if err != nil {
		return nil, err
	}
	if t.python {
		r, err := openPython(ctx, connection)
		if err == nil {
			t.opened = r
		}
		return r, err
	}
	r, err := openReader(ctx, connection)
	if err == nil {
		t.opened = r
	}
	return r, err
}

// stored reads the report of a trace. If there is no trace with the id as it was typed, it
// tries the canonical id, unlike the Python tool.
func (t *showTraces) stored(ctx context.Context, baseID string) (*reader.Report, error) {
	r, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	report, err := r.Report(ctx, baseID)
	canonical := canonicalID(baseID)
	if !errors.Is(err, store.ErrNotFound) || t.python || canonical == baseID {
		return report, err
	}
	if other, errOther := r.Report(ctx, canonical); !errors.Is(errOther, store.ErrNotFound) {
		return other, errOther
	}
	return report, err
}
