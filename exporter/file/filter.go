package file

import (
	"bytes"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A lineFilter returns false only for lines that need not be parsed.
type lineFilter func(line []byte) bool

func everyLine([]byte) bool { return true }

// linesWith returns a filter for the lines whose notification may have the base
// id, so that most lines of other traces are not parsed.
//
// A line contains the id literally, as a string or as a number, or spelled with
// escapes. For letters, digits and other plain ASCII, the only escape is \u00XX.
// For any other id, any backslash may begin an escape. A line is also parsed if
// it may contain characters that parsing replaces: bytes that are not UTF-8, and
// carriage returns between the tokens of a value.
func linesWith(baseID string) lineFilter {
	if strings.ContainsRune(baseID, '\uFFFD') {
		return everyLine
	}
	plain := !strings.ContainsRune(baseID, '/') && len(baseID)+2 == len(pyjson.AppendString(nil, baseID))
	text, escape := []byte(baseID), []byte(`\`)
	if plain {
		escape = []byte(`\u00`)
	}
	return func(line []byte) bool {
		return bytes.Contains(line, text) || bytes.Contains(line, escape) || bytes.IndexByte(line, '\r') >= 0
	}
}

// linesWithRequest returns a filter for the lines whose notification may mention the
// request.
func linesWithRequest(id string) lineFilter {
	plain := linesWith(id)
	var forms [][]byte
	for _, form := range driver.PercentForms(id) {
		forms = append(forms, []byte(form))
	}
	has := func(line []byte) func([]byte) bool {
		return func(form []byte) bool { return bytes.Contains(line, form) }
	}
	return func(line []byte) bool { return plain(line) || slices.ContainsFunc(forms, has(line)) }
}
