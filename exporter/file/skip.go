package file

import (
	"bytes"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// mayHold returns a test that says no only to lines whose notification cannot
// have that base id; so most lines of other traces are not parsed.
//
// An id stands in its line as it reads, as a string or as a number, or spelled
// with escapes. Of letters, digits and other plain ASCII only \u00XX is an
// escape; for any other id each backslash may begin one. What parsing replaces
// (bytes that are no UTF-8, line ends between the tokens of a value) makes the
// line one that has to be parsed.
func mayHold(id string) func(line []byte) bool {
	if strings.ContainsRune(id, '\uFFFD') {
		return func([]byte) bool { return true }
	}
	plain := !strings.ContainsRune(id, '/') && len(id)+2 == len(pyjson.AppendString(nil, id))
	text, escape := []byte(id), []byte(`\`)
	if plain {
		escape = []byte(`\u00`)
	}
	return func(line []byte) bool {
		return bytes.Contains(line, text) || bytes.Contains(line, escape) || bytes.IndexByte(line, '\r') >= 0
	}
}

// mayFail says no only to lines whose notification did not fail.
func mayFail(line []byte) bool {
	return bytes.Contains(line, []byte("etype")) || bytes.Contains(line, []byte(`\u00`))
}
