package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

const defaultLimit = 100

type traceList struct {
	connection   string
	errors       errorTrace
	since, until when
	service      string
	fields       []string
	limit        int
	json         bool
	python       bool
	limited      bool // --limit was given
}

func newTraceList() *cobra.Command {
	l := &traceList{since: when{now: time.Now}, until: when{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the traces of a store, the newest first",
		Long: `List the traces of a store, the newest first. Each has the time of its first
event in UTC, the time from its first to its last event, and the number of its
notifications. Name and service are those of its first notification.

--error-trace lists only the traces in which something failed, each with the time
of its first failure.

--fields lists fields of the first notification instead, such as
name,project,info.request.path: members of the notification, and members of its
members with dots between them.

Times are RFC 3339 (2026-11-22T07:15:38Z; UTC if there is no offset), a date, or
an age: 30m, 2h, 3d. --since is inclusive, --until exclusive.`,
		Example: `  osp trace list --since 2h
  osp trace list --error-trace --since 2026-11-22 --json
  osp trace list --service api --fields base_id,info.request.path`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			l.limited = cmd.Flags().Changed("limit")
			return l.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	addConnectionString(cmd, &l.connection)
	flags := cmd.Flags()
	flags.Var(&l.errors, "error-trace", "list only traces in which something failed")
	flags.Lookup("error-trace").NoOptDefVal = "True"
	flags.Var(&l.since, "since", "list traces that began at this `time` or later")
	flags.Var(&l.until, "until", "list traces that began before this `time`")
	flags.StringVar(&l.service, "service", "", "list traces whose first notification is of this service")
	flags.StringSliceVar(&l.fields, "fields", nil, "list these `fields` of the first notifications, such as name,info.request.path")
	flags.IntVar(&l.limit, "limit", defaultLimit, "list at most `N` traces, the newest; 0 lists all")
	flags.BoolVar(&l.json, "json", false, "write one JSON object a line")
	addPython(cmd, &l.python, "list as the Python tool does for this store: its rows, its order, all of them")
	completeFields(cmd, "fields")
	return cmd
}

// check returns an error if the flags contradict each other.
func (l *traceList) check() error {
	switch {
	case l.limit < 0:
		return usagef("--limit %d should be a number from 0 up", l.limit)
	case !l.since.IsZero() && !l.until.IsZero() && !l.since.Before(l.until.Time):
		return usagef("--since %s should be before --until %s", &l.since, &l.until)
	case l.python && l.service != "":
		return usagef("--service cannot be used with --python: the Python tool cannot select by service")
	case slices.Contains(l.fields, ""):
		return usagef("--fields has an empty name; it should read like name,info.request.path")
	case l.python && len(l.fields) > 0 && l.onlyErrors():
		return usagef("--fields cannot be used with --python and --error-trace: the Python library lists error traces with base_id and timestamp only")
	}
	return nil
}

func (l *traceList) run(ctx context.Context, stdout, stderr io.Writer) error {
	for i, name := range l.fields { // "base_id, name" means the same as "base_id,name"
		l.fields[i] = strings.TrimSpace(name)
	}
	if err := l.check(); err != nil {
		return err
	}
	lines, closeStore, err := l.open(ctx)
	if err != nil {
		return err
	}
	warn := &warnings{w: stderr}
	defer warn.close()
	err = writeTo(ctx, "", stdout, func(w io.Writer) error {
		return l.write(lines, w, stderr, warn)
	})
	return errors.Join(err, closeStore())
}

// open opens the store and returns the lines of the listing.
func (l *traceList) open(ctx context.Context) (lines iter.Seq2[string, error], closeStore func() error, err error) {
	if l.python {
		r, err := openPython(ctx, l.connection)
		if err != nil {
			return nil, nil, err
		}
		return l.pythonLines(ctx, r), r.Close, nil
	}
	r, err := openReader(ctx, l.connection)
	if err != nil {
		return nil, nil, err
	}
	return l.lines(ctx, r), r.Close, nil
}

// lines lists the traces.
func (l *traceList) lines(ctx context.Context, r *reader.Reader) iter.Seq2[string, error] {
	q := store.Query{
		Since: l.since.Time, Until: l.until.Time, Service: l.service,
		Failed: l.onlyErrors(), First: len(l.fields) > 0, Limit: l.wanted(),
	}
	format := l.summaryText
	switch {
	case l.json && q.First:
		format = func(s store.Summary) string { return reader.Fields(s.First, l.fields...) }
	case l.json:
		format = l.summaryJSON
	case q.First:
		format = func(s store.Summary) string { return l.fieldsText(reader.Fields(s.First, l.fields...)) }
	}
	return formatted(r.Traces(ctx, q), format)
}

// pythonLines lists the traces as the Python library does.
func (l *traceList) pythonLines(ctx context.Context, r *python.Reader) iter.Seq2[string, error] {
	q := python.Query{Fields: l.fields, Since: l.since.Time, Until: l.until.Time, Limit: l.wanted()}
	if q.Limit == math.MaxInt {
		q.Limit = 0 // the order is then that of Python's driver
	}
	format := l.rowText
	switch {
	case l.json:
		format = func(r python.Row) string { return string(r) }
	case len(l.fields) > 0:
		format = func(r python.Row) string { return l.fieldsText(string(r)) }
	}
	if l.onlyErrors() {
		return formatted(r.FailedTraces(ctx, q), format)
	}
	return formatted(r.Traces(ctx, q), format)
}

// formatted formats the elements of a sequence.
func formatted[T any](all iter.Seq2[T, error], format func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for v, err := range all {
			line := ""
			if err == nil {
				line = format(v)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func (l *traceList) onlyErrors() bool {
	if l.python {
		return l.errors.python()
	}
	return l.errors.on
}

// shown returns how many traces are shown at most.
func (l *traceList) shown() int {
	if l.limit == 0 || l.python && !l.limited {
		return math.MaxInt
	}
	return l.limit
}

// wanted returns how many traces the store is asked for: one more than are shown,
// to know whether there are more.
func (l *traceList) wanted() int {
	if n := l.shown(); n < math.MaxInt {
		return n + 1
	}
	return math.MaxInt
}

func (l *traceList) write(lines iter.Seq2[string, error], w, stderr io.Writer, warn *warnings) error {
	written, most := 0, l.shown()
	for line, err := range lines {
		if err != nil {
			if damaged, _ := warn.skipped(err); damaged {
				continue
			}
			return err
		}
		if written == most {
			fmt.Fprintf(stderr, "osp: showing the newest %s; use --limit 0 for all, or --since and --until for a time range\n", counted(most, "trace"))
			break
		}
		if written == 0 && !l.json {
			line = l.head() + "\n" + line
		}
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
		written++
	}
	if written == 0 {
		fmt.Fprintln(stderr, "osp: there are no such traces")
	}
	return nil
}
