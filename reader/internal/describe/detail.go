package describe

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// Detail describes in one line what an operation did, according to its start: the request,
// the statement or the function. If narrow is set, it shows only the end of a function's
// name.
func Detail(n *reader.Node, narrow bool) string {
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
			return Clean(ServerRequest(raw))
		case "requests":
			return Clean(ClientRequest(raw))
		case "db":
			return Statement(Clean(Member(raw, "statement")))
		case "function":
			name := Clean(Member(raw, "name"))
			if narrow {
				name = LastNames(name)
			}
			return name
		}
	}
	return others(info)
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
			parts = append(parts, key+"="+Member(string(info), key))
		}
		if len(parts) == 4 { // four values are enough for a line
			break
		}
	}
	return Clean(strings.Join(parts, " "))
}

// Failure returns the error of a failed operation.
func Failure(n *reader.Node) string {
	if !n.Failed && isServerError(n) {
		return TypeOfError(HTTPStatus(n))
	}
	for _, e := range n.Events {
		info := e.Info()
		if e.Half() != osprofiler.Stop || !info.Failed() {
			continue
		}
		kind, message := Clean(Member(string(info), "etype")), Clean(Member(string(info), "message"))
		if kind == n.Exception || Clean(n.Exception) == kind {
			return Joined(TypeOfError(kind), message)
		}
	}
	return Joined(TypeOfError(Clean(n.Exception)), "")
}

// Joined joins the type and the message of an error.
func Joined(kind, message string) string {
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

// LastNames returns the last two parts of a name with dots.
func LastNames(name string) string {
	last := strings.LastIndexByte(name, '.')
	if last < 0 {
		return name
	}
	return name[strings.LastIndexByte(name[:last], '.')+1:]
}
