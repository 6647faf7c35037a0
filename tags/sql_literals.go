package tags

import "strings"

// sqlLiterals returns an SQL text with *** in place of each literal: strings, numbers,
// and what comments say. Placeholders (?, ?1, :x, :1, $1, @x, %s, %(x)s), identifiers
// and keywords stay.
//
// The text may be of any database, so that some signs have two meanings. The reading
// that hides more counts. A text in double quotes is an identifier or, in MySQL, a
// string: see sqlScanner.isName. Where a backslash precedes a quote, the string ends
// or, in MySQL, goes on.
//
// noNames tells that no identifier has double quotes. That holds for MySQL, whose
// backquotes tell it, and for JSON.
func sqlLiterals(sql string, noNames bool) string {
	clean, _ := readSQL(sql, noNames)
	return clean
}

// readSQL is sqlLiterals. doubtful reports whether a quote has no end in any reading.
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

// union returns the ranges that cover what either list covers. Both are in order.
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
	noNames   bool // double quotes are those of strings
	backslash bool // a backslash in a string hides the next character
	dialect   sqlDialect
	at        int

	literals []textRange
	unlike   sqlDialect // the assumptions that read this text in another way
	doubt    int        // the index of the first sign of a wrong reading, or -1
	wrong    bool       // a string touches a word
	odd      bool       // likewise, or a quote has no end
	hintsTo  int        // the end of the last hint

	last     sqlToken   // the token before
	nameFrom sqlToken   // the token before the name that the last tokens are
	brackets int        // that are open
	names    bool       // a name in double quotes was seen where no string can be
	parens   []sqlToken // of each open parenthesis: sqlValues if values are in it, sqlDoubt if they may be
	outside  sqlToken   // likewise outside of parentheses
	behind   string     // the last keyword with sqlTable
	between  bool       // behind BETWEEN: AND precedes a value
	pragma   bool       // behind PRAGMA: double quotes are those of strings
	values   bool       // behind VALUES: parentheses have values
	password bool       // behind IDENTIFIED: BY, AS and REPLACE precede a password
	execute  bool       // behind EXECUTE: USING precedes values
	strings  bool       // behind TERMINATED and the like: BY precedes a string
}

// An sqlToken is a kind of token, as far as the next token depends on it.
type sqlToken uint8

const (
	sqlStart    sqlToken = iota // nothing, or a word behind which anything may come
	sqlWord                     // a name
	sqlDot                      // between the parts of a name
	sqlTable                    // a keyword behind which a table comes: its parentheses have columns
	sqlValues                   // an operator or keyword behind which a value comes
	sqlComma                    // likewise as before the parenthesis
	sqlParen                    // an opening parenthesis
	sqlEnd                      // a closing parenthesis, a literal or a placeholder
	sqlKeyValue                 // VALUES
	sqlDoubt                    // a keyword behind which a name or, in MySQL, a string comes
	sqlSecret                   // a keyword behind which a password comes
	sqlPrepare                  // PREPARE or EXECUTE, behind which the name of a statement comes
)

func scanSQL(text string, noNames, backslash bool, dialect sqlDialect) *sqlScanner {
	s := &sqlScanner{text: text, noNames: noNames, backslash: backslash, dialect: dialect, doubt: -1}
	s.scan()
	if s.names { // and read names before that as names
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

// peek returns a byte that is some bytes away, or 0 behind the end.
func (s *sqlScanner) peek(distance int) byte {
	if s.at+distance < len(s.text) {
		return s.text[s.at+distance]
	}
	return 0
}

// literal hides the text from an index to another one and goes on behind it.
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

// parenthesis returns sqlValues if values are in the parenthesis that begins.
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

// setInside tells what is in the innermost parenthesis.
func (s *sqlScanner) setInside(token sqlToken) {
	if n := len(s.parens); n > 0 {
		s.parens[n-1] = token
	} else {
		s.outside = token
	}
}

// inside returns what is in the innermost parenthesis.
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

// isSQLWordByte reports whether names and keywords have the byte.
func isSQLWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isSQLDigit(c) || c == '_' || c == '$' || c >= 0x80
}
