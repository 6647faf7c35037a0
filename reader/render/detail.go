package render

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// detail describes in one line what an operation did, from its start: the
// request, the statement or the function. If there is little room, only the end of
// a function's name is shown.
func detail(n *reader.Node, narrow bool) string {
	event, ok := n.Event(osprofiler.Start)
	if !ok {
		if event, ok = n.Event(osprofiler.Stop); !ok {
			return ""
		}
	}
	info := event.Info()
	for key, raw := range info.Members() {
		switch key {
		case "request":
			return clean(serverRequest(raw))
		case "requests":
			return clean(clientRequest(raw))
		case "db":
			return statement(member(raw, "statement"))
		case "function":
			name := clean(member(raw, "name"))
			if narrow {
				name = lastNames(name)
			}
			return name
		}
	}
	return others(info)
}

// member returns a member of any kind as text.
func member(object, key string) string {
	raw, ok := pyjson.Get(object, key)
	if !ok || raw == "null" {
		return ""
	}
	if text, ok := pyjson.Text(raw); ok {
		return text
	}
	return raw
}

func serverRequest(raw string) string {
	text := member(raw, "method") + " " + member(raw, "path")
	if query := member(raw, "query"); query != "" {
		text += "?" + query
	}
	return strings.TrimSpace(text)
}

func clientRequest(raw string) string {
	text := member(raw, "method") + " "
	if scheme := member(raw, "scheme"); scheme != "" {
		text += scheme + "://"
	}
	text += member(raw, "hostname")
	if port := member(raw, "port"); port != "" {
		text += ":" + port
	}
	text += member(raw, "path")
	if query := member(raw, "query"); query != "" {
		text += "?" + query
	}
	return strings.TrimSpace(text)
}

// statement writes a SQL statement on one line, without the columns of a SELECT,
// because the tables tell more.
func statement(sql string) string {
	text := strings.TrimSpace(clean(sql))
	const verb = "SELECT "
	if len(text) < len(verb) || !strings.EqualFold(text[:len(verb)], verb) {
		return text
	}
	from := fromClause(text)
	if from < 0 || from-len(verb) <= len("* ") {
		return text
	}
	return text[:len(verb)] + ellipsis + text[from-1:]
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

// others lists the plain values of an info that has no known member.
func others(info osprofiler.Info) string {
	var parts []string
	for key, raw := range info.Members() {
		switch key {
		case "host", "etype", "message", "otel":
			continue
		}
		if kind := pyjson.KindOf(raw); kind != pyjson.Object && kind != pyjson.Array && kind != pyjson.Null {
			parts = append(parts, key+"="+member(string(info), key))
		}
		if len(parts) == 4 { // enough for a line
			break
		}
	}
	return clean(strings.Join(parts, " "))
}

// failure returns the error that a failed operation reported.
func failure(n *reader.Node) string {
	for _, e := range n.Events {
		info := e.Info()
		if e.Half() != osprofiler.Stop || !info.Failed() {
			continue
		}
		kind, message := clean(member(string(info), "etype")), clean(member(string(info), "message"))
		if kind == n.Exception || clean(n.Exception) == kind {
			return joined(kind, message)
		}
	}
	return joined(clean(n.Exception), "")
}

func joined(kind, message string) string {
	switch {
	case kind == "" && message == "":
		return "failed"
	case kind == "":
		return message
	case message == "":
		return kind
	}
	return kind + ": " + message
}
