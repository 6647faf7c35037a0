package render

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// detail says in one line what an operation did, as its start tells: which
// request, which statement, which function. Where there is little room, of a
// function only the end of its name.
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
			return clean(clientRequest(raw) + status(n))
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

// member returns a member as text, of whatever kind it is.
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

// status is what the stop of a client's request adds.
func status(n *reader.Node) string {
	stop, ok := n.Event(osprofiler.Stop)
	if !ok {
		return ""
	}
	raw, _ := stop.Info().Get("requests")
	if code := member(raw, "status_code"); code != "" {
		return " → " + code
	}
	return ""
}

// statement puts a SQL statement on one line, and leaves the columns of a
// SELECT out: what it selects from tells more.
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

// fromClause returns where the FROM of the outermost SELECT stands, -1 if
// nowhere. Parentheses and quoted texts are stepped over.
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

// others lists the plain values of an info that nobody knows.
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

// failure says which error a failed operation reported.
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
