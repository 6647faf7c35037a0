package tags

import "strings"

// quoted hides the string whose quote is at the current index. If the string has a prefix, the
// literal begins at an earlier index. A doubled quote is a part of the string.
func (s *sqlScanner) quoted(from int, quote byte, backslash bool) {
	to, ended := endOfQuoted(s.text, s.at+1, quote, backslash)
	touches := to < len(s.text) && isSQLWordByte(s.text[to])
	if !ended || touches {
		s.suspect(from, touches)
	}
	s.literal(from, to)
	s.last = sqlValues // another string may follow: 'a' "b"
}

// endOfQuoted returns the index after the quote that ends a text.
func endOfQuoted(text string, at int, quote byte, backslash bool) (end int, ended bool) {
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case c == '\\' && backslash:
			at++
		case c != quote:
		case at+1 < len(text) && text[at+1] == quote:
			at++
		default:
			return at + 1, true
		}
	}
	return len(text), false
}

// doubleQuoted reads an identifier, or hides a string of MySQL.
func (s *sqlScanner) doubleQuoted() {
	end, ended := endOfQuoted(s.text, s.at+1, '"', s.backslash)
	if ended && s.isName(s.text[s.at+1:end-1], end) {
		s.name(end)
		return
	}
	s.quoted(s.at, '"', s.backslash)
}

// isName reports whether a text in double quotes is an identifier. It must consist of
// characters that identifiers have. It must also be a part of a name with dots, or be where a
// value cannot be. A value can be after an operator, in a list of values and among the
// arguments of a function. Where a column or a value can be, such as after SELECT, it is an
// identifier if the whole text has an identifier in double quotes where no value can be.
func (s *sqlScanner) isName(text string, end int) bool {
	const longest = 128 // of identifiers in any database
	if s.noNames || s.pragma || text == "" || len(text) > longest {
		return false
	}
	for i := range len(text) {
		if !isSQLWordByte(text[i]) && !strings.ContainsRune(" -.:%()", rune(text[i])) {
			return false
		}
	}
	if s.last == sqlDot || end < len(s.text) && s.text[end] == '.' {
		s.names = true
		return true
	}
	switch s.last {
	case sqlValues, sqlKeyValue, sqlSecret, sqlEnd:
		return s.last == sqlEnd && s.inside() != sqlValues // SELECT 1 "one"
	case sqlDoubt:
		return s.names
	case sqlComma, sqlParen:
		return s.inside() != sqlValues && (s.names || s.inside() != sqlDoubt)
	case sqlTable:
		return s.isTable()
	}
	return true
}

// isTable reports whether a text in double quotes after a keyword with sqlTable is an
// identifier.
func (s *sqlScanner) isTable() bool {
	if s.inside() == sqlValues { // trim("a" FROM "b")
		return false
	}
	switch s.behind {
	case "INTO", "TABLE", "UPDATE", "JOIN", "FROM", "REFERENCES":
		s.names = true
	case "ON":
		return s.names
	}
	return true
}

// backquoted reads an identifier of MySQL.
func (s *sqlScanner) backquoted() {
	end, ended := endOfQuoted(s.text, s.at+1, '`', false)
	if !ended {
		s.suspect(s.at, false)
		s.literal(s.at, end)
		return
	}
	s.name(end)
}

// oracleQuoted hides a string of Oracle: q'[…]', where any character may replace the bracket.
func (s *sqlScanner) oracleQuoted(from int) {
	opening := s.peek(1)
	closing := map[byte]byte{'[': ']', '(': ')', '{': '}', '<': '>'}[opening]
	if closing == 0 {
		closing = opening
	}
	body := min(s.at+2, len(s.text))
	length := strings.Index(s.text[body:], string([]byte{closing, '\''}))
	if length < 0 {
		s.suspect(from, false)
		s.literal(from, len(s.text))
		return
	}
	s.literal(from, body+length+2)
}

// dollarQuoted hides a string of PostgreSQL, $$…$$ or $tag$…$tag$, if there is one.
func (s *sqlScanner) dollarQuoted() bool {
	end := s.endOfWord(s.at+1, func(c byte) bool { return isSQLWordByte(c) && c != '$' })
	if end == len(s.text) || s.text[end] != '$' {
		return false
	}
	tag := s.text[s.at : end+1]
	length := strings.Index(s.text[end+1:], tag)
	if length < 0 {
		s.suspect(s.at, false)
		s.literal(s.at, len(s.text))
		return true
	}
	s.literal(s.at, end+1+length+len(tag))
	return true
}
