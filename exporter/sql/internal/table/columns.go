package table

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// columns are the Python library's columns except id and data, in the order of its
// inserts.
var columns = [...]string{"timestamp", "base_id", "parent_id", "trace_id", "project", "host", "service", "name"}

// Columns returns the names of the columns that have indexes.
func Columns() []string { return slices.Clone(columns[:]) }

// The indexes into columns.
const (
	colTimestamp = iota
	colBaseID
	colParentID
	colTraceID
	colProject
	colHost
	colService
	colName
)

// ColumnList names all columns except id, in the order of the Python library's
// inserts.
var ColumnList = columnNames + ", data"

var columnNames = strings.Join(columns[:], ", ")

// widest is the number of characters that fit into a column, except timestamp,
// into which 26 fit. SQLite would accept more, but a row should fit into any of
// the databases.
const widest = 255

// shortened returns the value of a column for a text: the text, or its short
// form if the text is too long, or contains a U+0000 or a lone surrogate, which
// databases refuse.
//
// The short form of an id is its beginning and a hash of the whole id. So
// different ids stay different, and the tree that Python builds from the columns
// stays the same. A name also keeps its "-start" or "-stop". A timestamp is
// written in the Python library's form, so that comparing texts compares times.
// A timestamp that is not a time becomes NULL.
func shortened(column int, s string) sql.NullString {
	if column != colTimestamp && ordinary(s) {
		return text(s)
	}
	switch column {
	case colTimestamp:
		if isUsual(s) {
			return text(s)
		}
		at, err := osprofiler.ParseTime(s)
		if err != nil || at.UTC().Year() > 9999 {
			return sql.NullString{}
		}
		return text(osprofiler.FormatTime(at))
	case colProject, colHost, colService:
		return text(cutTo(clean(s), widest))
	case colName:
		for _, end := range []string{"-start", "-stop"} {
			if operation, ok := strings.CutSuffix(s, end); ok {
				return text(hashed(operation, widest-len(end)) + end)
			}
		}
	}
	return text(hashed(s, widest))
}

// isUsual reports whether a timestamp has the Python library's form and lies in
// the years 1 to 9999.
func isUsual(timestamp string) bool {
	const form = "0000-00-00T00:00:00.000000"
	if len(timestamp) != len(form) {
		return false
	}
	for i := range len(form) {
		if digit := '0' <= timestamp[i] && timestamp[i] <= '9'; digit != (form[i] == '0') || !digit && timestamp[i] != form[i] {
			return false
		}
	}
	_, err := osprofiler.ParseTime(timestamp)
	return err == nil
}

// ordinary reports whether any column except timestamp, in any database, can
// hold the text unchanged. Nearly every text is ordinary.
func ordinary(s string) bool { return len(s) <= widest && pyjson.Printable(s) }

// hashed returns the text if it is short enough, and otherwise its beginning
// and a hash of the whole text.
func hashed(s string, most int) string {
	cleaned := clean(s)
	if cleaned == s && utf8.RuneCountInString(s) <= most {
		return s
	}
	return tailed(cleaned, s, most)
}

// tailed returns the beginning of a text, followed by a hash of the original.
func tailed(text, original string, most int) string {
	sum := sha256.Sum256([]byte(original))
	tail := "~" + hex.EncodeToString(sum[:8])
	return cutTo(text, most-len(tail)) + tail
}

// clean replaces bytes that are not characters, and characters that databases
// refuse.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// cutTo returns the first characters of a text.
func cutTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	count := 0
	for i := range s {
		if count == most {
			return s[:i]
		}
		count++
	}
	return s
}

// An Alphabet reports which characters the columns can hold, except data, which
// is ASCII. nil stands for columns that hold any text, even one that is not
// UTF-8.
type Alphabet func(r rune) bool

// Unicode, BMP, Latin1 and ASCII are the alphabets of the usual character sets.
var (
	Unicode Alphabet = func(r rune) bool { return r != 0 }
	BMP     Alphabet = func(r rune) bool { return r != 0 && r <= 0xFFFF }
	Latin1  Alphabet = func(r rune) bool { return r != 0 && r < 0x80 || r >= 0xA0 && r <= 0xFF }
	ASCII   Alphabet = func(r rune) bool { return r != 0 && r < 0x80 }
)

// holds reports whether a column can hold the text unchanged.
func (a Alphabet) holds(s string) bool {
	if a == nil || ordinary(s) {
		return true
	}
	for _, r := range s {
		if !a(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// spelled returns the value of a column for a text. This is the text if the
// column can hold it, and otherwise its short form with question marks.
func (a Alphabet) spelled(column int, s string) string {
	if a.holds(s) {
		return s
	}
	question := func(r rune) rune {
		if a(r) {
			return r
		}
		return '?'
	}
	switch column {
	case colProject, colHost, colService:
		return strings.Map(question, s)
	case colName:
		for _, end := range []string{"-start", "-stop"} {
			if operation, ok := strings.CutSuffix(s, end); ok {
				return tailed(strings.Map(question, operation), operation, widest-len(end)) + end
			}
		}
	}
	return tailed(strings.Map(question, s), s, widest)
}
