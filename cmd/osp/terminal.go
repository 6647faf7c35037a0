package main

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// defaultWidth is the width in columns of an output that is not a terminal.
const defaultWidth = 80

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// width returns the number of columns: the value of COLUMNS, or else the width of
// the terminal, or else 80.
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

// color reports whether to write in colour: on a terminal that supports colour, unless
// NO_COLOR (no-color.org) is set.
func color(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Limits of what is printed.
const (
	mostPrinted = 4096 // code points of an error or a warning
	mostCell    = 255  // code points of a field of a listing
)

// printable makes outside text safe for an error or a warning. The result cannot
// control a terminal and has a bounded length.
func printable(text string) string {
	return safetext.Shorten(safetext.Escape(text), mostPrinted)
}

// cell makes outside text safe for a field of a listing. The result contains no
// blanks. Otherwise a field could look like several fields, or like another line if
// the terminal breaks the line there.
func cell(text string) string {
	return safetext.Shorten(strings.ReplaceAll(safetext.Escape(text), " ", `\x20`), mostCell)
}

// phrase makes outside text safe for a field of a listing that may contain words,
// such as the name of an operation. Single blanks between words remain, because
// two blanks separate the fields.
func phrase(text string) string {
	words := strings.Split(safetext.Escape(text), " ")
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case word == "" || words[i-1] == "":
			b.WriteString(`\x20`)
		default:
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return safetext.Shorten(b.String(), mostCell)
}

// localeHasUTF8 reports whether the locale's character set is UTF-8. POSIX uses the first of
// LC_ALL, LC_CTYPE and LANG that is not empty. If all are empty, localeHasUTF8 returns true,
// because nearly all terminals have UTF-8.
func localeHasUTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		locale := os.Getenv(name)
		if locale == "" {
			continue
		}
		_, charset, _ := strings.Cut(locale, ".")
		charset, _, _ = strings.Cut(strings.ToLower(charset), "@")
		return charset == "utf-8" || charset == "utf8"
	}
	return true
}
