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
	zone         timeZone
	service      string
	failed       bool
	minDuration  leastDuration
	request      requestID
	fields       []string
	limit        int
	json         bool
	python       bool

	limited bool        // whether --limit was given
	hints   bool        // whether stderr is a terminal, so that hints are shown
	columns listColumns // the columns of the text
}

func newTraceList() *cobra.Command {
	l := &traceList{since: when{now: time.Now}, until: when{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the traces of a store, the newest first",
		Long: `List the traces of a store, the newest first. Each has the time of its first
event, the time from its first to its last event, the number of its operations,
and how many of them failed. Name and service are those of its first
notification. On a narrow terminal, names and services are cut.

--failed lists only the traces in which an operation failed. --error-trace does
so as the Python tool does: times, order, --since and --until are about the first
failure of each trace.

--request-id lists the traces in which a request id of OpenStack is mentioned: in
the ids of a span, the text of an error, a parameter of a query. It reads all traces
that the other flags leave, so --since makes it faster.

--fields lists fields of the first notification instead, such as
name,project,info.request.path: members of the notification, and members of its
members with dots between them.

` + timeForms + ` --since is
inclusive, --until exclusive.`,
		Example: `  osp trace list --since 2h
  osp trace list --failed --min-duration 2s --time-zone local
  osp trace list --request-id req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb97 --since 1d
  osp trace list --service api --fields base_id,info.request.path`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			l.limited = cmd.Flags().Changed("limit")
			l.hints = isTerminal(cmd.ErrOrStderr())
			return l.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	addConnectionString(cmd, &l.connection)
	addStoreOfService(cmd, &l.connection)
	flags := cmd.Flags()
	flags.Var(&l.errors, "error-trace", "list only traces in which something failed, by the first failure")
	flags.Lookup("error-trace").NoOptDefVal = "True"
	flags.Var(&l.since, "since", "list traces that began at this `time` or later")
	flags.Var(&l.until, "until", "list traces that began before this `time`")
	flags.StringVar(&l.service, "service", "", "list traces whose first notification is of this `service`")
	flags.BoolVar(&l.failed, "failed", false, "list only traces in which an operation failed")
	flags.Var(&l.minDuration, "min-duration", "list traces that took at least this long: a `duration` like 500ms, 2s or 1m30s")
	flags.Var(&l.request, "request-id", "list traces that mention this request `id` of OpenStack")
	flags.StringSliceVar(&l.fields, "fields", nil, "list these `fields` of the first notifications, such as name,info.request.path")
	l.limit = defaultLimit
	flags.Var((*wholeNumber)(&l.limit), "limit", "list at most `N` traces, the newest; 0 lists all")
	flags.BoolVar(&l.json, "json", false, "write one JSON object a line")
	addTimeZone(cmd, &l.zone)
	addPython(cmd, &l.python, "list as the Python tool does for this store: its rows, its order, all of them")
	completeFields(cmd, "fields")
	requestIDs := func(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeRequestID(cmd.Context(), l.connection, typed), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("request-id", requestIDs); err != nil {
		panic(err) // the flag is not defined: a programming error
	}
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
	case l.python && l.minDuration.Duration > 0:
		return usagef("--min-duration cannot be used with --python: the Python tool cannot select by duration")
	case l.python && l.request != "":
		return usagef("--request-id cannot be used with --python: the Python tool cannot select by request")
	case l.python && l.failed:
		return usagef("--failed cannot be used with --python: the Python tool has --error-trace")
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
	terminal := 0
	if isTerminal(stdout) {
		terminal = width(stdout)
	}
	l.columns = columnsFor(terminal, &l.zone)
	if l.python { // because its rows are short
		l.columns = columnsFor(0, &l.zone)
	}
	l.columns.ascii = !localeHasUTF8()
	src, err := l.open(ctx)
	if err != nil {
		return err
	}
	warn := &warnings{w: stderr}
	defer warn.close()
	err = writeTo(ctx, "", stdout, func(w io.Writer) error {
		return l.write(src, w, stderr, warn)
	})
	return errors.Join(err, src.close())
}

// A listSource is the store that is listed.
type listSource struct {
	name  string
	lines iter.Seq2[string, error]
	any   func() bool // reports whether the store has any trace, also one that the flags leave out
	close func() error
}

// hasAny reports whether a listing has at least one trace that can be read.
func hasAny[T any](all iter.Seq2[T, error]) bool {
	for _, err := range all {
		if err == nil {
			return true
		}
		if store.Ends(err) {
			return false
		}
	}
	return false
}

// open opens the store.
func (l *traceList) open(ctx context.Context) (*listSource, error) {
	if l.python {
		r, err := openPython(ctx, l.connection)
		if err != nil {
			return nil, err
		}
		anything := func() bool { return hasAny(r.Traces(ctx, python.Query{})) }
		return &listSource{r.Name(), l.pythonLines(ctx, r), anything, r.Close}, nil
	}
	r, err := openReader(ctx, l.connection)
	if err != nil {
		return nil, err
	}
	anything := func() bool { return hasAny(r.Traces(ctx, store.Query{})) }
	return &listSource{r.Name(), l.lines(ctx, r), anything, r.Close}, nil
}

// lines lists the traces.
func (l *traceList) lines(ctx context.Context, r *reader.Reader) iter.Seq2[string, error] {
	q := store.Query{
		Since: l.since.Time, Until: l.until.Time, Service: l.service,
		Failed: l.failed || l.onlyErrors(), ByFirstEvent: !l.onlyErrors(), MinDuration: l.minDuration.Duration, RequestID: string(l.request), First: len(l.fields) > 0, Limit: l.wanted(),
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
		q.Limit = 0 // so that the order is that of Python's driver
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

// shown returns the maximum number of traces to show.
func (l *traceList) shown() int {
	if l.limit == 0 || l.python && !l.limited {
		return math.MaxInt
	}
	return l.limit
}

// wanted returns how many traces to request from the store: as many as are shown. It requests
// one more if the default limit may leave out some and the user can get a hint about that.
func (l *traceList) wanted() int {
	n := l.shown()
	if !l.limited && l.hints && n < math.MaxInt {
		return n + 1
	}
	return n
}

func (l *traceList) write(src *listSource, w, stderr io.Writer, warn *warnings) error {
	written, most := 0, l.shown()
	for line, err := range src.lines {
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
		fmt.Fprintln(stderr, "osp:", l.nothing(src, warn.count > 0))
	}
	return nil
}

// nothing explains why no trace is listed.
func (l *traceList) nothing(src *listSource, damaged bool) string {
	filters := l.filters()
	switch {
	case len(filters) > 0 && src.any():
		return printable(fmt.Sprintf("no trace of %s matches %s", src.name, strings.Join(filters, " ")))
	case damaged:
		return printable(fmt.Sprintf("%s has no traces that can be read", src.name))
	}
	return printable(fmt.Sprintf("%s has no traces", src.name))
}

// filters returns the flags that leave out traces.
func (l *traceList) filters() (filters []string) {
	add := func(given bool, flag string) {
		if given {
			filters = append(filters, flag)
		}
	}
	add(!l.since.IsZero(), "--since "+l.since.String())
	add(!l.until.IsZero(), "--until "+l.until.String())
	add(l.service != "", fmt.Sprintf("--service %q", l.service))
	add(l.failed, "--failed")
	add(l.onlyErrors(), errorTraceFlag)
	add(l.minDuration.Duration > 0, "--min-duration "+l.minDuration.String())
	add(l.request != "", fmt.Sprintf("--request-id %q", l.request))
	return filters
}
