package tags

import "strings"

// An sqlDialect is a set of assumptions about the database, on which the meaning of some
// characters depends.
type sqlDialect uint8

const (
	noHashComments sqlDialect = 1 << iota // # begins no comment
	noDashComments                        // -- begins a comment only before a blank, as in MySQL
	flatComments                          // comments cannot be nested
	bracketNames                          // [ and ] enclose names, as in SQL Server
	hintComments                          // /*! and /*+ with an odd quote begin comments

	allDialects = 1<<iota - 1
)

// assume records that the text has another reading under the assumption. It reports whether
// the current reading makes this assumption.
func (s *sqlScanner) assume(dialect sqlDialect) bool {
	s.unlike |= dialect
	return s.dialect&dialect != 0
}

// suspect records an indication of a wrong reading.
func (s *sqlScanner) suspect(at int, wrong bool) {
	if s.doubt < 0 {
		s.doubt = at
	}
	s.odd, s.wrong = true, s.wrong || wrong
}

// readings returns the readings of a text under all relevant assumptions.
func readings(sql string, noNames bool) (all []*sqlScanner) {
	escapes := strings.Contains(sql, `\'`) || strings.Contains(sql, `\"`)
	var matter sqlDialect
	for dialect := sqlDialect(0); dialect <= allDialects; dialect++ {
		if dialect&^matter != 0 {
			continue
		}
		s := scanSQL(sql, noNames, false, dialect)
		matter |= s.unlike
		if escapes {
			escaped := scanSQL(sql, noNames, true, dialect)
			matter |= escaped.unlike
			s = eitherBackslash(s, escaped)
		}
		all = append(all, s)
	}
	return all
}

// eitherBackslash returns the one of two readings that has no odd quote. If there is none, it
// returns a reading with the literals of both.
func eitherBackslash(standard, escaped *sqlScanner) *sqlScanner {
	switch {
	case standard.odd && !escaped.odd:
		return escaped
	case escaped.odd && !standard.odd:
		return standard
	}
	standard.literals = union(standard.literals, escaped.literals)
	if standard.odd {
		standard.doubt = min(standard.doubt, escaped.doubt)
		standard.wrong = standard.wrong && escaped.wrong
	}
	return standard
}

// chooseReadings returns the ranges to hide. If a reading has no odd quote, wrong readings are
// ignored. The others count even with an odd quote, because the text may have been cut off. If
// all readings have an odd quote, everything after the first doubt is hidden.
func chooseReadings(sql string, all []*sqlScanner) (literals []textRange, doubtful bool) {
	doubtful = true
	doubt := len(sql)
	for _, s := range all {
		doubtful = doubtful && s.odd
		if s.odd {
			doubt = min(doubt, s.doubt)
		}
	}
	for _, s := range all {
		if doubtful || !s.wrong {
			literals = union(literals, s.literals)
		}
	}
	if doubtful {
		literals = union(literals, []textRange{{doubt, len(sql)}})
	}
	return literals, doubtful
}

// beginsLineComment reports whether a comment that ends with the line begins here.
func (s *sqlScanner) beginsLineComment(c byte) bool {
	switch {
	case c == '-' && s.peek(1) == '-':
		return s.peek(2) <= ' ' || !s.assume(noDashComments)
	case c == '#' && !strings.ContainsRune(">-=#", rune(s.peek(1))):
		return !s.assume(noHashComments)
	}
	return false
}

// bracketed reads a name of SQL Server in brackets that contains an odd quote, if there is
// one. It hides the name, which may be a list of values in another database.
func (s *sqlScanner) bracketed() bool {
	const longest = 128 // of names
	inside := s.text[s.at+1 : min(s.at+longest+2, len(s.text))]
	end := strings.IndexByte(inside, ']')
	if end < 0 || !hasOddQuote(inside[:end]) || !s.assume(bracketNames) {
		return false
	}
	s.literals = append(s.literals, textRange{s.at + 1, s.at + 1 + end})
	s.name(s.at + end + 2)
	return true
}

// isHintComment reports whether a hint must be read as a comment.
func (s *sqlScanner) isHintComment() bool {
	if s.at < s.hintsTo {
		return false
	}
	hint, _, _ := strings.Cut(s.text[s.at+2:], "*/")
	s.hintsTo = s.at + 2 + len(hint)
	return hasOddQuote(hint) && s.assume(hintComments)
}

func hasOddQuote(text string) bool {
	return strings.Count(text, "'")%2 != 0 || strings.Count(text, `"`)%2 != 0
}
