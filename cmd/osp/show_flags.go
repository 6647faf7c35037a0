package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// The forms of trace show.
type showForm int

const (
	formText showForm = iota
	formJSON
	formDot
	formHTML
	formFolded
)

// showFlags are the flags of trace show.
type showFlags struct {
	connection            string
	bus                   busFlags
	json, dot, text, html bool
	renderDot, out        string
	python                bool
	verbose, ascii        bool
	folded, noFindings    bool
	zone                  timeZone

	form showForm // what the flags select
}

func (f *showFlags) add(cmd *cobra.Command) {
	addConnectionString(cmd, &f.connection)
	addStoreOfService(cmd, &f.connection)
	flags := cmd.Flags()
	flags.BoolVar(&f.text, "text", false, "draw a tree (the default)")
	flags.BoolVar(&f.json, "json", false, "write the report as the Python tool does")
	flags.BoolVar(&f.dot, "dot", false, "write a graph for Graphviz")
	flags.BoolVar(&f.html, "html", false, "write a web page that needs no network")
	flags.BoolVar(&f.folded, "folded", false, "write folded stacks with the self times in microseconds, for flame graphs")
	flags.StringVar(&f.renderDot, "render-dot", "", "with --dot, also draw the graph into `FILE`.pdf, with the program dot of Graphviz")
	addPython(cmd, &f.python, "give the answer of the Python tool, also where it is wrong or fails")
	flags.StringVar(&f.out, "out", "", "write to a `file`, whole or not at all")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show attributes, events and links below each operation of the tree")
	flags.BoolVar(&f.ascii, "ascii", false, "draw the tree without UTF-8 (the default if the locale has none)")
	flags.BoolVar(&f.noFindings, "no-findings", false, "leave out the findings at the end of the text")
	addTimeZone(cmd, &f.zone)
	f.bus.addPythonShowFlags(flags)
}

// check checks the flags and selects the form. As in the Python tool, --json takes precedence
// over --html, and --html over --dot.
func (f *showFlags) check(cmd *cobra.Command, args []string) error {
	if f.out == "" && cmd.Flags().Changed("out") {
		return usagef("--out names no file; leave it out to write to the standard output")
	}
	isStdin := func(arg string) bool { return arg == "-" }
	if first := slices.IndexFunc(args, isStdin); first >= 0 && slices.ContainsFunc(args[first+1:], isStdin) {
		return usagef(`give "-" only once, because the standard input has one report`)
	}
	isPython := f.json || f.html || f.dot || f.renderDot != ""
	switch {
	case f.text && isPython:
		return usagef("give --text without --json, --html, --dot and --render-dot")
	case f.folded && (f.text || isPython):
		return usagef("give --folded without --text, --json, --html, --dot and --render-dot")
	case f.folded:
		f.form = formFolded
	case f.json:
		f.form = formJSON
	case f.html:
		f.form = formHTML
	case f.dot, f.renderDot != "":
		f.form = formDot
	}
	if flag := f.single(); flag != "" && len(args) > 1 {
		return usagef("%s one trace, not %d", flag, len(args))
	}
	return nil
}

// single returns the flag that allows only one trace, with its verb, or "".
func (f *showFlags) single() string {
	switch {
	case f.form == formDot && f.renderDot != "":
		return "--render-dot draws"
	case f.form == formHTML:
		return "--html writes"
	}
	return ""
}
