package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A comparison is one kind of work with one store: seconds for each span, or
// for all of it.
type comparison struct {
	store, work        string
	ours, bare, python float64
	perSpan            bool
	how                string
}

// What we aim at: to write at so many times the bare client's and Python's
// speed, and to read in so many times the bare client's time, and so many
// times faster than Python.
const (
	writeBare, writePython = 0.8, 20
	readBare, readPython   = 1.5, 10
)

func printStores(w io.Writer, all []comparison) error {
	fmt.Fprintln(w, "\nWith real stores. The ratios are of speeds where there are spans/s, else of times; the aim in brackets.")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "store\twork\tours\tbare client\tPython\tours to bare\taim\tPython to ours\taim\t  what")
	for _, c := range all {
		value, toBare, bare, python := duration, c.ours/c.bare, fmt.Sprintf("<= %.1f", readBare), readPython
		if c.perSpan {
			value, toBare, bare, python = speed, c.bare/c.ours, fmt.Sprintf(">= %.1f", writeBare), writePython
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.2f\t%s\t%.1f\t>= %d\t  %s\n",
			c.store, c.work, value(c.ours), value(c.bare), value(c.python), toBare, bare, c.python/c.ours, python, c.how)
	}
	return t.Flush()
}

// speed writes seconds for a span as spans a second.
func speed(seconds float64) string { return fmt.Sprintf("%.0f/s", 1/seconds) }
