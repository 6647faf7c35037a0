package tags

import "strings"

// sqlLiterals returns an SQL text with *** in place of each literal: strings, numbers, and the
// text of comments. Placeholders (?, ?1, :x, :1, $1, @x, %s, %(x)s), identifiers and keywords
// stay.
//
// The text may be of any database, so some characters have two meanings. The reading that
// hides more is used. A text in double quotes is an identifier or, in MySQL, a string: see
// sqlScanner.isName. A quote after a backslash ends the string or, in MySQL, does not.
//
// noNames reports that double quotes never enclose identifiers. This is so for MySQL, which
// its backquotes reveal, and for JSON.
func sqlLiterals(sql string, noNames bool) string {
	clean, _ := readSQL(sql, noNames)
	return clean
}

// readSQL is sqlLiterals. doubtful reports whether every reading has a quote without an end.
func readSQL(sql string, noNames bool) (clean string, doubtful bool) {
	noNames = noNames || strings.IndexByte(sql, '`') >= 0 || strings.HasPrefix(sql, "{") || strings.HasPrefix(sql, "[")
	literals, doubtful := chooseReadings(sql, readings(sql, noNames))
	return replaceRanges(sql, literals), doubtful
}

// A textRange is a part of a text.
type textRange struct{ from, to int }

// replaceRanges replaces each range of a text, in order, by ***.
func replaceRanges(text string, ranges []textRange) string {
	if len(ranges) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + len(redacted)*len(ranges))
	from := 0
	for _, r := range ranges {
		b.WriteString(text[from:r.from])
		b.WriteString(redacted)
		from = r.to
	}
	b.WriteString(text[from:])
	return b.String()
}

// union returns the ranges that either list covers. Both lists are in order.
func union(a, b []textRange) (all []textRange) {
	for len(a) > 0 || len(b) > 0 {
		next := &a
		if len(a) == 0 || len(b) > 0 && b[0].from < a[0].from {
			next = &b
		}
		r := (*next)[0]
		*next = (*next)[1:]
		if last := len(all) - 1; last >= 0 && r.from < all[last].to {
			all[last].to = max(all[last].to, r.to)
		} else {
			all = append(all, r)
		}
	}
	return all
}

// An sqlScanner finds the literals of an SQL text in one pass.
type sqlScanner struct {
	text      string
	noNames   bool // double quotes always enclose strings
	backslash bool // a backslash in a string escapes the next character
	dialect   sqlDialect
	at        int

	literals []textRange
	unlike   sqlDialect // the assumptions under which this text has another reading
	doubt    int        // the index of the first indication of a wrong reading, or -1
	wrong    bool       // a string touches a word
	odd      bool       // a string touches a word, or a quote has no end
	hintsTo  int        // the end of the last hint

	last     sqlToken   // the previous token
	nameFrom sqlToken   // the token before the name that ends at the current position
	brackets int        // the number of open brackets
	names    bool       // a name in double quotes was found where no string can be
	parens   []sqlToken // for each open parenthesis: sqlValues if it has values, sqlDoubt if it may have values
	outside  sqlToken   // the same for the text outside of parentheses
	behind   string     // the last keyword with sqlTable
	between  bool       // after BETWEEN: AND precedes a value
	pragma   bool       // after PRAGMA: double quotes enclose strings
	values   bool       // after VALUES: parentheses have values
	password bool       // after IDENTIFIED: BY, AS and REPLACE precede a password
	execute  bool       // after EXECUTE: USING precedes values
	strings  bool       // after TERMINATED and similar keywords: BY precedes a string
}

// An sqlToken is a kind of token, as far as the meaning of the next token depends on it.
type sqlToken uint8

const (
	sqlStart    sqlToken = iota // nothing, or a word that anything may follow
	sqlWord                     // a name
	sqlDot                      // between the parts of a name
	sqlTable                    // a keyword that a table follows: its parentheses have columns
	sqlValues                   // an operator or keyword that a value follows
	sqlComma                    // a comma: the next token has the same meaning as after the opening parenthesis
	sqlParen                    // an opening parenthesis
	sqlEnd                      // a closing parenthesis, a literal or a placeholder
	sqlKeyValue                 // VALUES
	sqlDoubt                    // a keyword that a name or, in MySQL, a string follows
	sqlSecret                   // a keyword that a password follows
	sqlPrepare                  // PREPARE or EXECUTE, which the name of a statement follows
)

func scanSQL(text string, noNames, backslash bool, dialect sqlDialect) *sqlScanner {
	s := &sqlScanner{text: text, noNames: noNames, backslash: backslash, dialect: dialect, doubt: -1}
	s.scan()
	if s.names { // and read earlier names as names
		s = &sqlScanner{text: text, noNames: noNames, backslash: backslash, dialect: dialect, doubt: -1, names: true}
		s.scan()
	}
	return s
}

func (s *sqlScanner) scan() {
	for s.at < len(s.text) {
		s.next()
	}
}

// next reads one token.
func (s *sqlScanner) next() {
	c := s.text[s.at]
	switch {
	case isSQLBlank(c):
		s.at++
	case c == '\'':
		s.quoted(s.at, c, s.backslash)
	case c == '"':
		s.doubleQuoted()
	case c == '`':
		s.backquoted()
	case s.last == sqlSecret && s.secret():
	case isSQLDigit(c) || c == '.' && isSQLDigit(s.peek(1)) && s.last != sqlWord:
		s.number()
	case isSQLWordByte(c) && c != '$':
		s.word()
	case s.beginsLineComment(c):
		s.lineComment()
	case c == '/' && s.peek(1) == '*':
		s.comment()
	case c == '[' && s.bracketed():
	case s.placeholder(), c == '$' && s.dollarQuoted():
	default:
		s.sign(c)
	}
}

// peek returns the byte at a distance from the current one, or 0 after the end.
func (s *sqlScanner) peek(distance int) byte {
	if s.at+distance < len(s.text) {
		return s.text[s.at+distance]
	}
	return 0
}

// literal hides the text between two indices and continues after it.
func (s *sqlScanner) literal(from, to int) {
	s.literals = append(s.literals, textRange{from, to})
	s.at, s.last = to, sqlEnd
}

// sign reads an operator, a parenthesis or another single character.
func (s *sqlScanner) sign(c byte) {
	s.at++
	switch c {
	case '.':
		s.last = sqlDot
	case ',':
		s.last = sqlComma
	case '(':
		s.parens = append(s.parens, s.parenthesis())
		s.last = sqlParen
	case ')':
		if n := len(s.parens); n > 0 {
			s.parens = s.parens[:n-1]
		}
		s.last = sqlEnd
	case ';':
		s.last, s.outside, s.brackets = sqlStart, sqlStart, 0
		s.values, s.password, s.between, s.pragma, s.execute, s.strings = false, false, false, false, false, false
	case '[':
		s.brackets++
		s.last = sqlValues
	case ']':
		s.brackets = max(s.brackets-1, 0)
		s.last = sqlValues
	default:
		s.last = sqlValues
	}
}

// parenthesis returns sqlValues if the opening parenthesis has values.
func (s *sqlScanner) parenthesis() sqlToken {
	switch {
	case s.values, s.last == sqlValues, s.last == sqlKeyValue, s.last == sqlSecret, s.last == sqlPrepare:
		return sqlValues
	case s.last == sqlWord && s.nameFrom != sqlTable: // a function
		return sqlValues
	case s.last == sqlParen || s.last == sqlComma:
		return s.inside()
	case s.last == sqlDoubt, s.last == sqlTable && s.behind == "ON":
		return sqlDoubt
	}
	return sqlStart
}

// setInside sets the content of the innermost parenthesis.
func (s *sqlScanner) setInside(token sqlToken) {
	if n := len(s.parens); n > 0 {
		s.parens[n-1] = token
	} else {
		s.outside = token
	}
}

// inside returns the content of the innermost parenthesis.
func (s *sqlScanner) inside() sqlToken {
	if n := len(s.parens); n > 0 {
		return s.parens[n-1]
	}
	return s.outside
}

func isSQLBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isSQLDigit(c byte) bool { return '0' <= c && c <= '9' }

// isSQLWordByte reports whether the byte may be part of a name or a keyword.
func isSQLWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isSQLDigit(c) || c == '_' || c == '$' || c >= 0x80
}
