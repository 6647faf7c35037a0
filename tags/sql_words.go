package tags

import "strings"

// name continues after a name or a part of one.
func (s *sqlScanner) name(end int) {
	if s.last != sqlDot {
		s.nameFrom = s.last
	}
	s.at, s.last = end, sqlWord
}

// number hides a number in any notation: 1, 1.5, .5, 1e-9, 0x1F, 1_000.
func (s *sqlScanner) number() {
	end := s.at
	for end < len(s.text) {
		c := s.text[end]
		exponent := (c == '+' || c == '-') && end > s.at && s.text[end-1]|0x20 == 'e' && isDecimal(s.text[s.at:end-1]) &&
			end+1 < len(s.text) && isSQLDigit(s.text[end+1])
		if c != '.' && !isSQLWordByte(c) && !exponent {
			break
		}
		end++
	}
	s.literal(s.at, end)
}

// isDecimal reports whether a text has only digits, points and underscores.
func isDecimal(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isSQLDigit(c) && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// word reads a keyword, a name, or the prefix of a string: E'…', X'…', _utf8'…'.
func (s *sqlScanner) word() {
	from := s.at
	end := from
	for end < len(s.text) && isSQLWordByte(s.text[end]) {
		end++
	}
	word := s.text[from:end]
	if end < len(s.text) && s.text[end] == '\'' {
		s.at = end
		switch {
		case strings.EqualFold(word, "E"):
			s.quoted(from, '\'', true)
		case strings.EqualFold(word, "Q"), strings.EqualFold(word, "NQ"):
			s.oracleQuoted(from)
		default:
			if !isStringPrefix(word) {
				s.suspect(end, true)
			}
			s.quoted(from, '\'', s.backslash)
		}
		return
	}
	if s.last == sqlDot {
		s.name(end)
		return
	}
	if quote := s.introduced(word, end); quote > 0 {
		if s.at = quote; isBeforeString(word) {
			from = quote
		}
		s.quoted(from, '"', s.backslash)
		return
	}
	s.keyword(word, end)
}

// introduced returns the index of the double quote after a prefix of MySQL, such as N"…" or
// _utf8mb4 "…", or after a word that a string follows. Otherwise it returns 0.
func (s *sqlScanner) introduced(word string, end int) int {
	if word[0] == '_' || isBeforeString(word) {
		end = s.endOfWord(end, isSQLBlank)
	}
	if end == len(s.text) || s.text[end] != '"' || s.names || sqlKeywords[strings.ToUpper(word)] != sqlStart {
		return 0
	}
	return end
}

// isBeforeString reports whether a string may follow the word in MySQL. In other databases the
// word is the name of a column: COMMENT "…" of a table, SQLSTATE "…", STARTS "…" of an event.
func isBeforeString(word string) bool {
	switch strings.ToUpper(word) {
	case "COMMENT", "SQLSTATE", "SONAME", "BEFORE", "STARTS", "ENDS", "AT", "EVERY":
		return true
	}
	return false
}

// isStringPrefix reports whether a word may directly precede the quote of a string.
func isStringPrefix(word string) bool {
	switch strings.ToUpper(word) {
	case "N", "B", "X", "DATE", "TIME", "TIMESTAMP", "INTERVAL":
		return true
	}
	return word[0] == '_' // a character set of MySQL
}

func (s *sqlScanner) endOfWord(end int, has func(byte) bool) int {
	for end < len(s.text) && has(s.text[end]) {
		end++
	}
	return end
}
