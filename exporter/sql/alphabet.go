package sql

import (
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
)

// An Alphabet tells which characters the columns but data can hold; nil
// stands for any text, also one that is no UTF-8. data is all ASCII.
type Alphabet func(r rune) bool

// Unicode, BMP, Latin1 and ASCII are the usual alphabets of servers.
var (
	Unicode Alphabet = func(r rune) bool { return r != 0 }
	BMP     Alphabet = func(r rune) bool { return r != 0 && r <= 0xFFFF }
	Latin1  Alphabet = func(r rune) bool { return r != 0 && r < 0x80 || r >= 0xA0 && r <= 0xFF }
	ASCII   Alphabet = func(r rune) bool { return r != 0 && r < 0x80 }
)

// holds tells whether a column can hold the text as it is.
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

// spelled is what a column says of a text that it cannot hold: its short form
// with question marks.
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

// encode makes the row of a notification in the store's alphabet.
func (s *Store) encode(n *osprofiler.Notification) row {
	r, inner := s.encodeInner(n)
	r.setInner(inner)
	return r
}

func (s *Store) encodeInner(n *osprofiler.Notification) (row, string) {
	r, inner := encodeInner(n)
	held := true
	for i := range r.columns {
		if c := &r.columns[i]; c.Valid && !s.alphabet.holds(c.String) {
			c.String = s.alphabet.spelled(i, c.String)
			held = false
		}
	}
	if !held {
		m := split(n)
		inner = m.inner(true)
	}
	return r, inner
}

// lookedFor is what the column base_id may say of a trace's id: the short form,
// or the whole one, which upstream stores where the database lets it.
func (s *Store) lookedFor(baseID string) (values []any) {
	short := s.alphabet.spelled(colBaseID, shortened(colBaseID, baseID).String)
	if short != baseID && s.alphabet.holds(baseID) {
		return []any{short, baseID}
	}
	return []any{short}
}
