package describe

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Member returns a member of any kind as text.
func Member(object, key string) string {
	raw, ok := pyjson.Get(object, key)
	if !ok || raw == "null" {
		return ""
	}
	if text, ok := pyjson.Text(raw); ok {
		return text
	}
	return raw
}

// ServerRequest writes the method, the path and the query of a request.
func ServerRequest(raw string) string {
	text := Member(raw, "method") + " " + Member(raw, "path")
	if query := Member(raw, "query"); query != "" {
		text += "?" + query
	}
	return strings.TrimSpace(text)
}

// ClientRequest writes the method and the URL of a request.
func ClientRequest(raw string) string {
	text := Member(raw, "method") + " "
	if scheme := Member(raw, "scheme"); scheme != "" {
		text += scheme + "://"
	}
	text += Member(raw, "hostname")
	if port := Member(raw, "port"); port != "" {
		text += ":" + port
	}
	text += Member(raw, "path")
	if query := Member(raw, "query"); query != "" {
		text += "?" + query
	}
	return strings.TrimSpace(text)
}

// Statement writes an SQL statement on one line without the columns of a SELECT, because the
// tables are more informative.
func Statement(sql string) string {
	text := strings.TrimSpace(sql)
	const verb = "SELECT "
	if len(text) < len(verb) || !strings.EqualFold(text[:len(verb)], verb) {
		return text
	}
	from := fromClause(text)
	if from < 0 || from-len(verb) <= len("* ") {
		return text
	}
	return text[:len(verb)] + "…" + text[from-1:]
}

// fromClause returns the index of the FROM of the outermost SELECT, or -1.
// Parentheses and quoted texts are skipped.
func fromClause(text string) int {
	const from = " FROM "
	depth := 0
	var quoted byte
	for i := range len(text) {
		c := text[i]
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quoted = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ' ' && depth == 0 && len(text)-i >= len(from) && strings.EqualFold(text[i:i+len(from)], from):
			return i + 1
		}
	}
	return -1
}
