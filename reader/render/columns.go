package render

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// clean makes a stored text safe to print on one line.
func clean(text string) string { return describe.Clean(text) }

// width returns how many columns a clean text takes.
func width(text string) int {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return uniseg.StringWidth(text)
		}
	}
	return len(text)
}

const ellipsis = "…"

// cut shortens a clean text to a number of columns. A shortened text ends in an
// ellipsis.
func (b brush) cut(text string, columns int) string {
	if len(text) <= columns || width(text) <= columns {
		return text
	}
	if columns <= 0 {
		return ""
	}
	mark := ellipsis
	if b.isASCII {
		mark = "..."[:min(columns, 3)]
	}
	return head(text, columns-width(mark)) + mark
}

// head returns the longest beginning of a text that fits into the columns.
func head(text string, columns int) string {
	rest, state, taken := text, -1, 0
	for rest != "" {
		_, behind, w, next := uniseg.FirstGraphemeClusterInString(rest, state)
		if taken+w > columns {
			return text[:len(text)-len(rest)]
		}
		rest, state, taken = behind, next, taken+w
	}
	return text
}

// pad fills a text with blanks on the right.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

// padLeft fills a text with blanks on the left.
func padLeft(text string, columns int) string {
	return strings.Repeat(" ", max(0, columns-width(text))) + text
}

// wrap breaks a clean text at blanks into lines of the given number of columns. It returns at
// most most lines. The last one ends in an ellipsis if the text is longer.
func (b brush) wrap(text string, columns, most int) (lines []string) {
	for len(lines) < most-1 && width(text) > columns {
		line := head(text, columns)
		if line == "" {
			break
		}
		if at := strings.LastIndexByte(line, ' '); at > len(line)/4 {
			line = line[:at]
		}
		lines = append(lines, line)
		text = strings.TrimPrefix(text[len(line):], " ")
	}
	return append(lines, b.cut(text, columns))
}
