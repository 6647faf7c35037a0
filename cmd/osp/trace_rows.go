package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
)

const pythonRow = "%-36s  %-*s  %s"

// head returns the line above the rows.
func (l *traceList) head() string {
	if len(l.fields) > 0 {
		return l.row(l.fields)
	}
	title := "FIRST EVENT"
	if l.onlyErrors() {
		title = "FIRST FAILURE"
	}
	event := title + " (" + l.zone.Name() + ")"
	if l.python {
		return fmt.Sprintf(pythonRow, "BASE ID", len(l.columns.time), event, "AGE")
	}
	if l.columns.cuts && len(event) > len(l.columns.time) { // such as that of America/Argentina/Buenos_Aires
		event = l.columns.cut("FIRST ("+l.zone.Name()+")", len(l.columns.time))
	}
	return l.columns.row(cells{
		id: "BASE ID", time: event, age: "AGE", duration: "DURATION",
		operations: l.columns.operations, failures: l.columns.failures, name: "NAME", service: "SERVICE",
	})
}

func (l *traceList) summaryText(s store.Summary) string {
	timestamp, at := s.Timestamp, s.Time()
	if l.onlyErrors() {
		timestamp, at = s.FirstFailure, s.FirstFailureTime()
	}
	c := cells{
		id: cell(s.BaseID), operations: strconv.Itoa(s.Operations), failures: strconv.Itoa(s.Failures),
		name: phrase((&osprofiler.Notification{Name: s.Name}).Operation()), service: phrase(s.Service),
	}
	c.time, c.age = l.timeCells(timestamp, at)
	if duration, ok := s.Duration(); ok {
		c.duration = render.FormatDuration(duration)
	}
	return l.columns.row(c)
}

// rowText writes a row of Python's driver. The event of the row is the one that the driver
// lists.
func (l *traceList) rowText(r python.Row) string {
	timestamp, age := l.timeCells(r.Timestamp(), r.Time())
	return fmt.Sprintf(pythonRow, cell(r.BaseID()), len(l.columns.time), timestamp, age)
}

// timeCells returns the cells of a time and its age. A timestamp that is not a
// time has no age.
func (l *traceList) timeCells(timestamp string, at time.Time) (shown, age string) {
	switch {
	case at.IsZero() && l.columns.cuts:
		return l.columns.cut(cell(timestamp), max(len(l.columns.time), 1)), ""
	case at.IsZero():
		return cell(timestamp), ""
	case l.columns.time == "":
		return "", shortAge(at, time.Now())
	}
	return at.In(l.zone.Location()).Format(l.columns.time), humanize.Time(at)
}

// summaryJSON writes a summary as a JSON object, with its timestamps as they are stored. As
// in the rows of the Python library, the member timestamp is that of the event by which the
// traces are listed.
func (l *traceList) summaryJSON(s store.Summary) string {
	timestamp := s.Timestamp
	if l.onlyErrors() {
		timestamp = s.FirstFailure
	}
	line := pyjson.AppendString([]byte(`{"base_id": `), s.BaseID)
	for _, m := range []struct{ key, text string }{
		{"timestamp", timestamp}, {"first_timestamp", s.Timestamp}, {"last_timestamp", s.LastTimestamp},
		{"name", s.Name}, {"service", s.Service}, {"project", s.Project}, {"first_failure", s.FirstFailure},
	} {
		line = append(line, `, "`+m.key+`": `...)
		if m.text == "" && m.key != "timestamp" {
			line = append(line, "null"...)
		} else {
			line = pyjson.AppendString(line, m.text)
		}
	}
	duration := "null"
	if d, ok := s.Duration(); ok {
		duration = strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64)
	}
	return fmt.Sprintf(`%s, "failed": %t, "notifications": %d, "operations": %d, "failures": %d, "duration": %s}`,
		line, s.Failed, s.Notifications, s.Operations, s.Failures, duration)
}

// fieldsText writes fields of a JSON object as a row.
func (l *traceList) fieldsText(object string) string {
	cells := make([]string, len(l.fields))
	for i, name := range l.fields {
		raw, ok := field(object, name)
		switch text, isText := pyjson.Text(raw); {
		case isText:
			cells[i] = text
		case ok && raw != "null":
			cells[i] = raw
		}
	}
	return l.row(cells)
}

// field returns the raw value of a field, whose name is a path of keys with dots.
func field(object, name string) (raw string, ok bool) {
	for key, value := range pyjson.Members(object) {
		if key == name {
			raw, ok = value, true
		} else if rest, isBelow := strings.CutPrefix(name, key+"."); isBelow && !ok {
			raw, ok = field(value, rest)
		}
	}
	return raw, ok
}

// row writes one cell for each of the fields.
func (l *traceList) row(cells []string) string {
	widths := map[string]int{"base_id": 36, "trace_id": 36, "parent_id": 36, "timestamp": 26}
	var row strings.Builder
	for i, text := range cells {
		width := max(widths[l.fields[i]], len(l.fields[i]), 16)
		fmt.Fprintf(&row, "%-*s  ", width, phrase(text))
	}
	return strings.TrimRight(row.String(), " ")
}

// completeFields offers the fields that every notification has.
func completeFields(cmd *cobra.Command, flag string) {
	fields := []cobra.Completion{"base_id", "info.host", "info.request.path", "name", "parent_id", "project", "service", "timestamp", "trace_id"}
	complete := func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		offers := make([]cobra.Completion, len(fields))
		for i, f := range fields {
			offers[i] = before + f
		}
		return offers, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the flag is not defined: a programming error
	}
}
