package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// A comparison has the seconds of one kind of work with one store, for each span or for
// the whole work. The seconds of Python are 0 if Python's driver does not do the work.
type comparison struct {
	store, work        string
	ours, bare, python float64
	perSpan            bool
	alone              string // how the bare client does the work
}

// Our aims: the speed of writing as a multiple of the bare client's and of Python's
// speed, the time of reading as a multiple of the bare client's time, and the speed of
// reading as a multiple of Python's speed.
const (
	writeBare, writePython = 0.8, 20
	readBare, readPython   = 1.5, 10
)

const explained = `
With real stores, each by its own settings; the best of several times, by turns:
  export  spans/s through ExportSpans, %[1]d in a batch; the bare client writes the bytes that this stored; Python: notify
  write   the same, from ready notifications through Store.Write
  report  of a trace of %[2]d notifications; the bare client fetches them; Python: get_report
  list    the newest %[3]d of %[4]d traces; the bare client fetches what tells them; Python: list_traces, all
  summaries  the summaries of all these traces, in no order; the bare client and Python as for list
Ratios are of speeds of export and write, and of times of the others; the aim stands behind.
`

func printStores(w io.Writer, all []comparison, stores []subject, size sizes) error {
	fmt.Fprintf(w, explained, batchSize, size.report, listLimit, size.traces)
	for _, p := range stores {
		if s := size.bound(p.most); s.report != size.report || s.traces != size.traces {
			fmt.Fprintf(w, "%s is slow: a trace of %d notifications, and %d traces.\n", p.name, s.report, s.traces)
		}
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "store\twork\tours\tbare\tPython\tours : bare\taim\tours : Python\taim\t  bare client")
	for _, c := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t  %s\n", c.store, c.work, c.values(), c.alone)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printLacks(w, stores)
}

// printLacks prints which kinds of work Python's driver does not do, and why.
func printLacks(w io.Writer, stores []subject) error {
	for _, p := range stores {
		for _, work := range slices.Sorted(maps.Keys(p.lacks)) {
			if _, err := fmt.Fprintf(w, "No %s of Python with %s: %s.\n", work, p.name, p.lacks[work]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c comparison) values() string {
	if c.perSpan {
		return fmt.Sprintf("%s\t%s\t%s\t%.2f\t>= %.1f\t%s\t>= %d", speed(c.ours), speed(c.bare), c.ofPython(speed(c.python)),
			c.bare/c.ours, writeBare, c.ofPython(fmt.Sprintf("%.1f", c.python/c.ours)), writePython)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%.2f\t<= %.1f\t%s\t<= 1/%d", duration(c.ours), duration(c.bare), c.ofPython(duration(c.python)),
		c.ours/c.bare, readBare, c.ofPython(fmt.Sprintf("1/%.1f", c.python/c.ours)), readPython)
}

// ofPython returns a text about Python's driver, or "-" if the driver does not do the
// work.
func (c comparison) ofPython(text string) string {
	if c.python == 0 {
		return "-"
	}
	return text
}

// speed formats the seconds of a span as spans per second.
func speed(seconds float64) string { return fmt.Sprintf("%.0f/s", 1/seconds) }
