package python

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/dot"
)

// Dot writes the graph that the Python tool draws of a report with
// `trace show --dot`, byte for byte (python-graphviz 0.21 quotes it). It fails if
// the tool raises an exception. A stored text may end the label's quotes or be
// Graphviz's markup, as in the tool's graph. Other errors are w's.
func Dot(w io.Writer, r *reader.Report) error {
	if r.Finished == nil {
		return errors.New("the Python library's graph fails at a report without notifications, with TypeError: unsupported operand type(s) for -: 'NoneType' and 'int'")
	}
	total := "label=" + pythonQuote(fmt.Sprintf("total - %d ms", *r.Finished))
	if err := dot.Write(w, total, r, attributes); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n") // Python's print adds a line feed
	return err
}

// attributes returns the attributes of a node.
func attributes(n *reader.Node) (string, error) {
	service, exception := serviceOf(n)
	line := ""
	if exception == "" {
		switch n.Name {
		case "wsgi":
			line, exception = requestLine(n)
		case "rpc", "driver":
			line, exception = functionLine(n)
		}
	}
	if exception != "" {
		return "", fmt.Errorf("the Python library's graph fails at the operation %q %q, with %s; without Python's answers it can be drawn", n.Name, n.TraceID, exception)
	}
	return "label=" + pythonQuote(fmt.Sprintf("%s%s - %d ms%s", service, n.Name, n.Finished-n.Started, line)), nil
}

func serviceOf(n *reader.Node) (text, exception string) {
	raw := n.FieldJSON(keyService)
	switch kind := pyjson.KindOf(raw); kind {
	case pyjson.String:
		return n.Service + ":", ""
	case pyjson.Invalid: // the node has no service
		return "", ""
	case pyjson.Array:
		return "", `TypeError: can only concatenate list (not "str") to list`
	default:
		return "", fmt.Sprintf("TypeError: unsupported operand type(s) for +: '%s' and 'str'", pyjson.TypeName(raw))
	}
}

// walk returns the value at the end of a path of keys.
func walk(raw string, keys ...string) (value, exception string) {
	for _, key := range keys {
		if raw, exception = pyjson.Subscript(raw, key); exception != "" {
			return "", exception
		}
	}
	return raw, ""
}

func startPayload(n *reader.Node) (raw, exception string) {
	if raw = dot.StartPayload(n); raw == "" {
		return "", "KeyError: 'meta.raw_payload." + n.Name + "-start'"
	}
	return raw, ""
}

func requestLine(n *reader.Node) (line, exception string) {
	request, exception := startPayload(n)
	if exception == "" {
		request, exception = walk(request, "info", "request")
	}
	if exception != "" {
		return "", exception
	}
	method, exception := walk(request, "method")
	if exception != "" {
		return "", exception
	}
	path, exception := walk(request, "path")
	if exception != "" {
		return "", exception
	}
	text := pythonText(path)
	switch pyjson.KindOf(path) {
	case pyjson.String:
		text = dot.FirstRunes(text, 30)
	case pyjson.Array: // the first 30 of its elements
	case pyjson.Object:
		return "", "TypeError: unhashable type: 'slice'"
	default:
		return "", fmt.Sprintf("TypeError: '%s' object is not subscriptable", pyjson.TypeName(path))
	}
	return `\n` + pythonText(method) + " " + text + "..", ""
}

func functionLine(n *reader.Node) (line, exception string) {
	raw, exception := startPayload(n)
	if exception == "" {
		raw, exception = walk(raw, "info", "function", "name")
	}
	if exception != "" {
		return "", exception
	}
	name, ok := pyjson.Text(raw)
	if !ok {
		return "", fmt.Sprintf("AttributeError: '%s' object has no attribute 'split'", pyjson.TypeName(raw))
	}
	return `\n` + name[strings.LastIndexByte(name, '.')+1:], ""
}

// pythonText returns what Python's str returns for a plain value.
func pythonText(raw string) string {
	switch raw {
	case "null":
		return "None"
	case "true":
		return "True"
	case "false":
		return "False"
	case "NaN":
		return "nan"
	}
	if text, ok := pyjson.Text(raw); ok {
		return text
	}
	return raw
}

// The labels that python-graphviz does not quote: identifiers, numbers, HTML. (In
// Python, $ also matches before a newline at the end.)
var (
	htmlLabel    = regexp.MustCompile(`(?s)^<.*>\n?\z`)
	plainLabel   = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*|-?(\.[0-9]+|[0-9]+(\.[0-9]*)?))\n?\z`)
	keywords     = map[string]bool{"node": true, "edge": true, "graph": true, "digraph": true, "subgraph": true, "strict": true}
	quoteInLabel = regexp.MustCompile(`((?:\\\\)*)\\?"`)
)

// pythonQuote quotes a label as python-graphviz does.
func pythonQuote(label string) string {
	if htmlLabel.MatchString(label) || plainLabel.MatchString(label) && !keywords[strings.ToLower(label)] {
		return label
	}
	return `"` + quoteInLabel.ReplaceAllString(label, `$1\"`) + `"`
}
