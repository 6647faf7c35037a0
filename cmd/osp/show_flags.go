package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
)

// The forms of trace show.
type showForm int

const (
	formText showForm = iota
	formJSON
	formDot
)

// showFlags are the flags of trace show.
type showFlags struct {
	connection            string
	json, dot, text, html bool
	renderDot, out        string
	python                bool
	verbose, ascii        bool
	zone                  timeZone

	form showForm // what the flags select
}

func (f *showFlags) add(cmd *cobra.Command) {
	addConnectionString(cmd, &f.connection)
	flags := cmd.Flags()
	flags.BoolVar(&f.text, "text", false, "draw a tree (the default)")
	flags.BoolVar(&f.json, "json", false, "write the report as the Python tool does")
	flags.BoolVar(&f.dot, "dot", false, "write a graph for Graphviz")
	flags.BoolVar(&f.html, "html", false, "write a web page (not available yet)")
	flags.StringVar(&f.renderDot, "render-dot", "", "with --dot, also draw the graph into `FILE`.pdf, with the program dot of Graphviz")
	addPython(cmd, &f.python, "give the answer of the Python tool, also where it is wrong or fails")
	flags.StringVar(&f.out, "out", "", "write to a `file`, whole or not at all")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show attributes, events and links below each operation of the tree")
	flags.BoolVar(&f.ascii, "ascii", false, "draw the tree without UTF-8 (the default if the locale has none)")
	addTimeZone(cmd, &f.zone)
	addPythonShowFlags(flags)
}

// check checks the flags and selects the form. As with the Python tool, --json
// counts before --html, and --html before --dot.
func (f *showFlags) check(cmd *cobra.Command, args []string) error {
	if f.out == "" && cmd.Flags().Changed("out") {
		return usagef("--out names no file; leave it out to write to the standard output")
	}
	isStdin := func(arg string) bool { return arg == "-" }
	if first := slices.IndexFunc(args, isStdin); first >= 0 && slices.ContainsFunc(args[first+1:], isStdin) {
		return usagef(`give "-" only once, because the standard input has one report`)
	}
	isOther := f.json || f.html || f.dot || f.renderDot != ""
	switch {
	case f.text && isOther:
		return usagef("give --text without --json, --html, --dot and --render-dot")
	case f.json:
		f.form = formJSON
	case f.html:
		return errors.New("--html is not available in this version: use --text, --json or --dot")
	case f.dot, f.renderDot != "":
		f.form = formDot
	}
	if f.form == formDot && f.renderDot != "" && len(args) > 1 {
		return usagef("--render-dot draws one trace, not %d", len(args))
	}
	return nil
}
