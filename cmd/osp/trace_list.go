package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

const defaultLimit = 100

type traceList struct {
	connection   string
	errors       errorTrace
	since, until when
	limit        int
	json         bool
	upstream     bool
	limited      bool // --limit was given
}

func newTraceList() *cobra.Command {
	l := &traceList{since: when{now: time.Now}, until: when{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the traces of a store, the newest first",
		Long: `List the traces of a store, the newest first, each with the time of its first
event in UTC; with --error-trace only those in which something failed, with the
time of the first failure.

Times are RFC 3339 (2026-11-22T07:15:38Z; UTC if no offset stands there), a
date, or an age: 30m, 2h, 3d. --since is inclusive, --until exclusive.`,
		Example: `  osp trace list --since 2h
  osp trace list --error-trace --since 2026-11-22 --json`,
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
	flags.IntVar(&l.limit, "limit", defaultLimit, "list at most `N` traces, the newest; 0 lists all")
	flags.BoolVar(&l.json, "json", false, "write one JSON object a line")
	flags.BoolVar(&l.upstream, "upstream", false, "list as upstream's tool does for this store: its rows, its order, all of them")
	return cmd
}

func (l *traceList) run(ctx context.Context, stdout, stderr io.Writer) error {
	if l.limit < 0 {
		return usagef("--limit %d should be a number from 0 up", l.limit)
	}
	if !l.since.IsZero() && !l.until.IsZero() && !l.since.Before(l.until.Time) {
		return usagef("--since %s should be before --until %s", &l.since, &l.until)
	}
	r, err := openReader(ctx, l.connection, l.upstream)
	if err != nil {
		return err
	}
	warn := &warnings{w: stderr}
	defer warn.close()
	err = writeTo(ctx, "", stdout, func(w io.Writer) error {
		return l.write(l.traces(ctx, r), w, stderr, warn)
	})
	return errors.Join(err, r.Close())
}

// traces asks for one trace more than is shown, to know whether there are more.
func (l *traceList) traces(ctx context.Context, r *reader.Reader) iter.Seq2[store.Trace, error] {
	q := store.Query{Since: l.since.Time, Until: l.until.Time, Limit: math.MaxInt}
	if most := l.most(); most < math.MaxInt {
		q.Limit = most + 1
	}
	if l.upstream && !l.limited {
		q.Limit = 0 // so that the order is upstream's
	}
	if l.onlyErrors() {
		return r.ErrorTraces(ctx, q)
	}
	return r.Traces(ctx, q)
}

func (l *traceList) onlyErrors() bool {
	if l.upstream {
		return l.errors.upstream()
	}
	return l.errors.on
}

// most returns how many traces are shown.
func (l *traceList) most() int {
	if l.limit == 0 || l.upstream && !l.limited {
		return math.MaxInt
	}
	return l.limit
}

func (l *traceList) write(traces iter.Seq2[store.Trace, error], w, stderr io.Writer, warn *warnings) error {
	rows, most := 0, l.most()
	writeRow := l.writeText
	if l.json {
		writeRow = writeJSONRow
	}
	for trace, err := range traces {
		if err != nil {
			if damaged, _ := warn.skipped(err); damaged {
				continue
			}
			return err
		}
		if rows == most {
			fmt.Fprintf(stderr, "osp: these are the newest %d; --limit 0 lists all, --since and --until a part\n", most)
			break
		}
		if err := writeRow(w, rows, trace); err != nil {
			return err
		}
		rows++
	}
	if rows == 0 {
		fmt.Fprintln(stderr, "osp: there are no such traces")
	}
	return nil
}

const (
	listRow  = "%-36s  %-26s  %s\n"
	listTime = "2006-01-02 15:04:05.000000"
)

func (l *traceList) writeText(w io.Writer, row int, trace store.Trace) error {
	if row == 0 {
		what := "FIRST EVENT (UTC)"
		if l.onlyErrors() {
			what = "FIRST FAILURE (UTC)"
		}
		if _, err := fmt.Fprintf(w, listRow, "BASE ID", what, "AGE"); err != nil {
			return err
		}
	}
	timestamp, age := cell(trace.Timestamp), ""
	if at := trace.Time(); !at.IsZero() {
		timestamp, age = at.UTC().Format(listTime), humanize.Time(at)
	}
	_, err := fmt.Fprintf(w, listRow, cell(trace.BaseID), timestamp, age)
	return err
}

// writeJSONRow writes a row as upstream's drivers give it.
func writeJSONRow(w io.Writer, _ int, trace store.Trace) error {
	line := pyjson.AppendString([]byte(`{"base_id": `), trace.BaseID)
	line = pyjson.AppendString(append(line, `, "timestamp": `...), trace.Timestamp)
	_, err := w.Write(append(line, "}\n"...))
	return err
}
