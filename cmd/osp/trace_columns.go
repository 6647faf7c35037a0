package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// A listColumns is the set of columns of a listing. A narrow terminal has fewer
// and shorter ones. The base id is never cut, so that it can be copied.
type listColumns struct {
	time                 string // the layout of times; empty if the age is shown in place of the time
	age                  int    // the width of the age; 0 if there is no age
	operations, failures string // the titles
	name, service        int    // the widths
	cuts                 bool   // whether names and services are cut to their widths
	ascii                bool   // whether texts are written in ASCII
}

// The layouts of times in a listing. Times that are not UTC have an offset.
const (
	listTime       = "2006-01-02 15:04:05.000000"
	listTimeOffset = "2006-01-02 15:04:05.000000-07:00"
	listTimeShort  = "2006-01-02 15:04:05"
)

const (
	idWidth       = 36
	durationWidth = 8
	gap           = "  " // between columns
)

// columnsFor returns the columns for a terminal of that width. A width of 0 stands for an
// output that is not a terminal.
func columnsFor(width int, zone *timeZone) listColumns {
	long := listTime
	if zone.Location() != time.UTC {
		long = listTimeOffset
	}
	if width == 0 {
		return listColumns{time: long, age: 14, operations: "OPERATIONS", failures: "FAILURES", name: 20, service: 16}
	}
	forms := []struct {
		listColumns

		least int // the width that is needed for name and service
	}{
		{listColumns{time: long, age: 14, operations: "OPERATIONS", failures: "FAILURES"}, 30},
		{listColumns{time: long, operations: "OPERATIONS", failures: "FAILURES"}, 20},
		{listColumns{time: listTimeShort, operations: " OPS", failures: "FAIL"}, 16},
	}
	c := listColumns{age: 4, operations: " OPS", failures: "FAIL"} // for a terminal that is too narrow for all of them
	for _, f := range forms {
		if width-f.fixed() >= f.least {
			c = f.listColumns
			break
		}
	}
	left := max(width-c.fixed(), 8)
	c.service = min(left/2, 16)
	c.name, c.cuts = left-c.service, true
	return c
}

// fixed returns the width of all columns but name and service.
func (c listColumns) fixed() int {
	fixed := idWidth + durationWidth + len(c.operations) + len(c.failures) + 5*len(gap)
	for _, width := range []int{c.age, len(c.time)} {
		if width > 0 {
			fixed += width + len(gap)
		}
	}
	return fixed
}

// cells are the texts of a row.
type cells struct {
	id, time, age, duration, operations, failures, name, service string
}

// row writes a row.
func (c listColumns) row(r cells) string {
	if c.ascii {
		r.id, r.time, r.name, r.service = safetext.ASCII(r.id), safetext.ASCII(r.time), safetext.ASCII(r.name), safetext.ASCII(r.service)
		r.duration = safetext.ASCII(r.duration)
	}
	parts := []string{padded(r.id, idWidth)}
	if c.time != "" {
		parts = append(parts, padded(r.time, len(c.time)))
	}
	if c.age > 0 {
		parts = append(parts, padded(r.age, c.age))
	}
	if c.cuts {
		r.name, r.service = c.cut(r.name, c.name), c.cut(r.service, c.service)
	}
	parts = append(parts,
		fmt.Sprintf("%*s", durationWidth, r.duration),
		fmt.Sprintf("%*s", len(c.operations), r.operations),
		fmt.Sprintf("%*s", len(c.failures), r.failures),
		padded(r.name, c.name), r.service)
	return strings.TrimRight(strings.Join(parts, gap), " ")
}

// padded appends blanks up to a width in columns.
func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
}

// cut shortens a text to a width in columns. A shortened text ends in an ellipsis.
func (c listColumns) cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	ellipsis := "…"
	if c.ascii {
		ellipsis = "..."
	}
	var b strings.Builder
	used := uniseg.StringWidth(ellipsis)
	for rest, state := text, -1; rest != ""; {
		var cluster string
		var columns int
		cluster, rest, columns, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used += columns; used > width {
			break
		}
		b.WriteString(cluster)
	}
	return b.String() + ellipsis
}

// shortAge writes an age, for most traces in at most four columns: 45s, 12m, 3h, 6d.
func shortAge(at, now time.Time) string {
	age, sign := now.Sub(at), ""
	if age < 0 {
		age, sign = -age, "-"
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{365 * 24 * time.Hour, "y"}, {24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if age >= u.unit {
			return fmt.Sprintf("%s%d%s", sign, age/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%s%ds", sign, age/time.Second)
}
