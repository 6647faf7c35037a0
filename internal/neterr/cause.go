package neterr

import "strings"

// RootCause returns the text of the innermost error, on one line. If err joins
// the errors of several attempts, RootCause descends into the last one.
func RootCause(err error) string {
	for {
		inner := unwrap(err)
		if len(inner) == 0 {
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
		err = inner[len(inner)-1]
	}
}

// OneLine returns a text of several lines, such as that of joined errors, as one
// line.
func OneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
