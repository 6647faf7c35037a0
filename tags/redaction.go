package tags

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A Redaction selects the values that are replaced by "***" before anything leaves the
// process. The zero value replaces none. null and missing members are left unchanged, and so
// is the structure around the values.
//
// Texts that database errors contain besides a statement ("Duplicate entry 'x'") are not
// changed.
type Redaction struct {
	// DBParams replaces each parameter of a database call, for one execution or
	// many, the result of the call, and the list of parameters that SQLAlchemy
	// quotes in the texts of its errors.
	DBParams bool
	// FunctionArgs replaces the args and kwargs of a function.
	FunctionArgs bool
	// FunctionResult replaces the result of a function or a database call.
	FunctionResult bool
	// SQLLiterals replaces the strings and numbers inside SQL texts, also in the texts of
	// SQLAlchemy's errors, and the content of comments. Placeholders stay, such as %(name)s,
	// %s, :name, ? and $1. The SQL may be of any database. A text in double quotes may be an
	// identifier or a string. It stays where a value cannot be. It also stays where a column
	// may be, if the statement has other identifiers in double quotes.
	SQLLiterals bool
}

const (
	redacted    = "***"
	redactedRaw = `"***"`
)

// Info returns the info with the values replaced. It returns info itself if there
// are no such values.
func (r Redaction) Info(info osprofiler.Info) osprofiler.Info {
	if r == (Redaction{}) {
		return info
	}
	out := info
	for key, raw := range info.Members() {
		if redactedMember := r.member(key, raw); redactedMember != raw {
			out = out.With(key, redactedMember)
		}
	}
	return out
}

func (r Redaction) member(key, raw string) string {
	switch key {
	case memberDB:
		return r.object(raw, r.dbField)
	case memberFunction:
		return r.object(raw, r.functionField)
	case memberMessage:
		return r.errorText(raw)
	}
	return raw
}

func (r Redaction) dbField(key, raw string) string {
	switch key {
	case "statement":
		return r.statement(raw)
	case "params":
		if r.DBParams {
			return redactParams(raw)
		}
	case "result":
		if r.DBParams || r.FunctionResult {
			return redactValue(raw)
		}
	case "original_exception", "chained_exception":
		return r.errorText(raw)
	}
	return raw
}

func (r Redaction) functionField(key, raw string) string {
	if r.FunctionArgs && (key == "args" || key == "kwargs") || r.FunctionResult && key == "result" {
		return redactValue(raw)
	}
	return raw
}

// object rewrites the fields of an object. It returns raw itself if nothing
// changes.
func (r Redaction) object(raw string, field func(key, raw string) string) string {
	changed := false
	for key, value := range pyjson.Members(raw) {
		changed = changed || field(key, value) != value
	}
	if !changed {
		return raw
	}
	dst := append(make([]byte, 0, len(raw)), '{')
	for key, value := range pyjson.Members(raw) {
		dst = appendMember(dst, key, field(key, value))
	}
	return string(append(dst, '}'))
}

func redactValue(raw string) string {
	if raw == "null" {
		return raw
	}
	return redactedRaw
}

// redactParams replaces the values of an object or the elements of an array. In an array of
// objects or arrays (the rows of executemany) it does this in each of them.
func redactParams(raw string) string {
	if kind := pyjson.KindOf(raw); kind != pyjson.Object && kind != pyjson.Array {
		return redactValue(raw)
	}
	return string(appendRedacted(make([]byte, 0, len(raw)), raw, true))
}

func appendRedacted(dst []byte, raw string, rows bool) []byte {
	if pyjson.KindOf(raw) == pyjson.Object {
		dst = append(dst, '{')
		for key := range pyjson.Members(raw) {
			dst = appendMember(dst, key, redactedRaw)
		}
		return append(dst, '}')
	}
	dst = append(dst, '[')
	for element := range pyjson.Elements(raw) {
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ", "...)
		}
		if kind := pyjson.KindOf(element); rows && (kind == pyjson.Object || kind == pyjson.Array) {
			dst = appendRedacted(dst, element, false)
		} else {
			dst = append(dst, redactedRaw...)
		}
	}
	return append(dst, ']')
}

// errorText is Text for a raw value. A value that is not a string stays unchanged.
func (r Redaction) errorText(raw string) string {
	text, ok := pyjson.Text(raw)
	if !ok {
		return raw
	}
	redactedText := r.Text(text)
	if redactedText == text {
		return raw
	}
	return string(pyjson.AppendString(nil, redactedText))
}

// statement redacts a raw SQL text. A value that is not a string stays unchanged.
func (r Redaction) statement(raw string) string {
	text, ok := pyjson.Text(raw)
	if !ok {
		return raw
	}
	redactedText := r.SQL(text)
	if redactedText == text {
		return raw
	}
	return string(pyjson.AppendString(nil, redactedText))
}

// SQL returns a statement without its literals if SQLLiterals is set.
func (r Redaction) SQL(statement string) string {
	if !r.SQLLiterals {
		return statement
	}
	return sqlLiterals(statement, false)
}

// Name returns a span's name without SQL literals if SQLLiterals is set and the name is an SQL
// text. isSQL reports whether the name is an SQL text, which means that it begins with an SQL
// verb.
func (r Redaction) Name(name string) (redactedName string, isSQL bool) {
	if !r.SQLLiterals || !looksLikeSQL(name) {
		return name, false
	}
	return sqlLiterals(name, true), true
}

// looksLikeSQL reports whether a text begins with an SQL verb or a comment. A name such as
// "DELETE /v3/users/1" is the name of an HTTP request.
func looksLikeSQL(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n\f\v(;")
	if strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*") {
		return true
	}
	end := 0
	for end < len(text) && isSQLWordByte(text[end]) {
		end++
	}
	switch strings.ToUpper(text[:end]) {
	case "DELETE":
		rest := strings.TrimLeft(text[end:], " ")
		return !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "http")
	case "SELECT", "INSERT", "UPDATE", "REPLACE", "MERGE", "WITH", "VALUES", "CREATE", "ALTER", "DROP", "SET", "CALL", "EXEC", "EXECUTE",
		"GRANT", "PRAGMA", "EXPLAIN", "COPY", "SHOW", "DO", "DECLARE", "PREPARE", "BEGIN":
		return true
	}
	return false
}

// Text returns an error's text, such as a status's description, without the parameters that
// SQLAlchemy quotes in it, and without the literals of the statement that SQLAlchemy quotes.
// It replaces everything from "[parameters: " to the last bracket at the end of a line, or to
// the end of the text if no line ends with a bracket.
func (r Redaction) Text(s string) string {
	const opening = "[parameters: "
	if r.SQLLiterals {
		s = quotedSQL(s)
	}
	start := strings.Index(s, opening)
	if !r.DBParams || start < 0 {
		return s
	}
	start += len(opening)
	end := start + strings.LastIndex(s[start:], "]\n")
	if strings.HasSuffix(s[start:], "]") {
		end = len(s) - 1
	}
	if end < start {
		end = len(s)
	}
	return s[:start] + redacted + s[end:]
}

// quotedSQL replaces the literals of the statements that SQLAlchemy quotes in a text. A
// statement extends from the first "[SQL: " to the bracket before the next line that
// SQLAlchemy writes. The text between two statements is also read as SQL, because a literal
// may contain these characters, too.
func quotedSQL(s string) string {
	const opening = "[SQL: "
	before, rest, found := strings.Cut(s, opening)
	if !found {
		return s
	}
	last := 0
	for _, end := range endsOfQuotedSQL(rest) {
		clean, doubtful := readSQL(rest[:end], false)
		if !doubtful {
			return before + opening + clean + rest[end:]
		}
		last = max(last, end)
	}
	return before + opening + sqlLiterals(rest[:last], false) + rest[last:]
}

// endsOfQuotedSQL returns the indices of the brackets that may end a statement, the most
// likely one first. If a bracket is inside a string, the text before the bracket has an odd
// quote.
func endsOfQuotedSQL(s string) (ends []int) {
	for _, next := range []string{"]\n[parameters: ", "]\n(Background on "} {
		if end := strings.LastIndex(s, next); end >= 0 {
			ends = append(ends, end)
		}
	}
	if strings.HasSuffix(s, "]") {
		ends = append(ends, len(s)-1)
	}
	if len(ends) > 0 {
		return ends
	}
	if end := strings.LastIndex(s, "]\n"); end >= 0 {
		return []int{end}
	}
	return []int{len(s)}
}
