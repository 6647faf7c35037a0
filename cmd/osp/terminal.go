package main

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// defaultWidth is the width in columns of what is no terminal.
const defaultWidth = 80

// isTerminal tells whether w is one.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// width returns the columns to write in: what COLUMNS says, else the
// terminal's, else 80.
func width(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if file, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return defaultWidth
}

// color tells whether to write in colour: on a terminal that can, unless
// NO_COLOR (no-color.org) is set.
func color(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Limits of what is printed.
const (
	mostPrinted = 4096 // code points of an error or a warning
	mostCell    = 255  // code points of a field of a listing
)

// printable returns outside text for an error or a warning: it can do nothing
// to a terminal, and has bounded length.
func printable(text string) string {
	return safetext.Shorten(safetext.Escape(text), mostPrinted)
}

// cell returns outside text for a field of a listing. It holds no blanks, so
// that no field looks like more than one, nor like another line where the
// terminal breaks it.
func cell(text string) string {
	return safetext.Shorten(strings.ReplaceAll(safetext.Escape(text), " ", `\x20`), mostCell)
}
