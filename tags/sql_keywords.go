package tags

import "strings"

// keyword records which tokens may follow the word.
func (s *sqlScanner) keyword(word string, end int) {
	token := sqlWord
	if s.password && isBeforePassword(word) {
		s.at, s.last = end, sqlSecret
		return
	}
	if len(word) <= len("REFERENCES") {
		token = sqlKeywords[strings.ToUpper(word)]
	}
	if s.beforeStrings(word) {
		s.at, s.last = end, sqlValues
		return
	}
	switch token {
	case sqlStart, sqlWord: // words that are not in the map
		s.name(end)
		return
	case sqlSecret:
		s.password = s.password || strings.EqualFold(word, "IDENTIFIED")
	case sqlKeyValue:
		s.values = true
	case sqlTable:
		s.values, s.behind = false, strings.ToUpper(word)
		if s.behind == "FROM" && s.inside() == sqlDoubt {
			s.setInside(sqlStart) // the list after SELECT is over
		}
	case sqlEnd: // a keyword that names follow
		s.values = false
		token = sqlStart
	case sqlDoubt:
		token = s.doubtful(word)
	case sqlValues:
		s.between = s.between || strings.EqualFold(word, "BETWEEN")
		s.pragma = s.pragma || strings.EqualFold(word, "PRAGMA")
	}
	s.at, s.last = end, token
}

// beforeStrings reports whether values follow the word because of the words before it: PREPARE
// s FROM "…", EXECUTE s USING "…", TERMINATED BY "…" of MySQL and MariaDB.
func (s *sqlScanner) beforeStrings(word string) bool {
	switch strings.ToUpper(word) {
	case "FROM":
		return s.last == sqlWord && s.nameFrom == sqlPrepare && !s.execute
	case "USING":
		if s.execute {
			s.setInside(sqlValues)
		}
		return s.execute
	case "BY":
		before := s.strings
		s.strings = false
		return before
	case "EXECUTE":
		s.execute = s.execute || s.last == sqlStart
	case "TERMINATED", "ENCLOSED", "ESCAPED", "STARTING":
		s.strings = true
	}
	return false
}

// doubtful returns the token of a keyword that a name or a value follows.
func (s *sqlScanner) doubtful(word string) sqlToken {
	switch strings.ToUpper(word) {
	case "SELECT":
		s.setInside(sqlDoubt) // IN (SELECT "a", "b" …
		s.values = false
	case "WHERE", "HAVING":
		s.values = false
	case "AND":
		if s.between {
			s.between = false
			return sqlValues
		}
	}
	return sqlDoubt
}

// sqlKeywords are the keywords that determine what follows them. A keyword with sqlEnd ends a
// list of values.
var sqlKeywords = map[string]sqlToken{
	"VALUES": sqlKeyValue, "VALUE": sqlKeyValue,

	"INTO": sqlTable, "TABLE": sqlTable, "UPDATE": sqlTable, "JOIN": sqlTable, "FROM": sqlTable, "REFERENCES": sqlTable,
	"INDEX": sqlTable, "KEY": sqlTable, "EXISTS": sqlTable, "ON": sqlTable, "AS": sqlTable, "WITH": sqlTable, "CONFLICT": sqlTable,

	"IN": sqlValues, "LIKE": sqlValues, "ILIKE": sqlValues, "RLIKE": sqlValues, "REGEXP": sqlValues, "GLOB": sqlValues, "BETWEEN": sqlValues,
	"THEN": sqlValues, "ELSE": sqlValues, "LIMIT": sqlValues, "OFFSET": sqlValues, "ANY": sqlValues, "ALL": sqlValues, "ESCAPE": sqlValues,
	"DEFAULT": sqlValues, "IS": sqlValues, "DATE": sqlValues, "TIME": sqlValues, "TIMESTAMP": sqlValues, "INTERVAL": sqlValues,
	"PASSWORD": sqlSecret, "TO": sqlValues, "IDENTIFIED": sqlSecret,

	"BINARY": sqlValues, "XOR": sqlValues, "DIV": sqlValues, "MOD": sqlValues, "SEPARATOR": sqlValues, "PRAGMA": sqlValues,
	"RETURN": sqlValues, "INFILE": sqlValues, "OUTFILE": sqlValues, "DUMPFILE": sqlValues, "IMMEDIATE": sqlValues,

	"PREPARE": sqlPrepare, "EXECUTE": sqlPrepare,

	"SELECT": sqlDoubt, "WHERE": sqlDoubt, "HAVING": sqlDoubt, "DISTINCT": sqlDoubt, "AND": sqlDoubt, "OR": sqlDoubt, "NOT": sqlDoubt,
	"WHEN": sqlDoubt, "CASE": sqlDoubt,

	"SET": sqlEnd, "RETURNING": sqlEnd, "ORDER": sqlEnd, "GROUP": sqlEnd, "BY": sqlEnd, "UNION": sqlEnd,
}

// secret hides a password without quotes, up to the next blank. It returns false at a keyword,
// and at a character that begins something else.
func (s *sqlScanner) secret() bool {
	if strings.IndexByte("?:$%@(=,;)/-+.'\"`", s.text[s.at]) >= 0 && (s.text[s.at] != '$' || isSQLDigit(s.peek(1))) {
		return false
	}
	end := s.endOfWord(s.at, isSQLWordByte)
	if end < len(s.text) && (s.text[end] == '\'' || s.text[end] == '"') { // a prefix
		return false
	}
	word := s.text[s.at:end]
	if len(word) <= len("REFERENCES") && (sqlKeywords[strings.ToUpper(word)] != sqlStart || s.password && isBeforePassword(word)) {
		return false
	}
	s.literal(s.at, s.endOfWord(end, func(c byte) bool { return strings.IndexByte(" \t\r\n\f\v;,)'\"`", c) < 0 }))
	return true
}

// isBeforePassword reports whether a password follows the word, if IDENTIFIED precedes the
// word.
func isBeforePassword(word string) bool {
	switch strings.ToUpper(word) {
	case "BY", "AS", "USING", "REPLACE", "PASSWORD", "VALUES":
		return true
	}
	return false
}
