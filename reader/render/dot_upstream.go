package render

import (
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// upstreamLabel writes the attributes of a node as the Python tool does, and
// fails where it raises.
func upstreamLabel(n *reader.Node) (string, error) {
	service, python := upstreamService(n)
	line := ""
	if python == "" {
		switch n.Name {
		case "wsgi":
			line, python = upstreamRequest(n)
		case "rpc", "driver":
			line, python = upstreamFunction(n)
		}
	}
	if python != "" {
		return "", fmt.Errorf("upstream's graph fails at the operation %q %q, with %s; without upstream's answers it can be drawn", n.Name, n.TraceID, python)
	}
	return "label=" + pythonQuote(fmt.Sprintf("%s%s - %d ms%s", service, n.Name, n.Finished-n.Started, line)), nil
}

func upstreamService(n *reader.Node) (text, python string) {
	raw := n.ServiceJSON()
	switch kind := pyjson.KindOf(raw); kind {
	case pyjson.String:
		return n.Service + ":", ""
	case pyjson.Invalid: // not there at all
		return "", ""
	case pyjson.Array:
		return "", `TypeError: can only concatenate list (not "str") to list`
	default:
		return "", fmt.Sprintf("TypeError: unsupported operand type(s) for +: '%s' and 'str'", pyjson.TypeName(raw))
	}
}

// walk follows keys into a raw value.
func walk(raw string, keys ...string) (value, python string) {
	for _, key := range keys {
		if raw, python = pyjson.Subscript(raw, key); python != "" {
			return "", python
		}
	}
	return raw, ""
}

func startPayload(n *reader.Node) (raw, python string) {
	name := n.Name + "-start"
	if raw = payload(n, name); raw == "" {
		return "", "KeyError: 'meta.raw_payload." + name + "'"
	}
	return raw, ""
}

func upstreamRequest(n *reader.Node) (line, python string) {
	request, python := startPayload(n)
	if python == "" {
		request, python = walk(request, "info", "request")
	}
	if python != "" {
		return "", python
	}
	method, python := walk(request, "method")
	if python != "" {
		return "", python
	}
	path, python := walk(request, "path")
	if python != "" {
		return "", python
	}
	text := pythonText(path)
	switch pyjson.KindOf(path) {
	case pyjson.String:
		text = runes(text, 30)
	case pyjson.Array: // 30 of its elements
	case pyjson.Object:
		return "", "TypeError: unhashable type: 'slice'"
	default:
		return "", fmt.Sprintf("TypeError: '%s' object is not subscriptable", pyjson.TypeName(path))
	}
	return `\n` + pythonText(method) + " " + text + "..", ""
}

func upstreamFunction(n *reader.Node) (line, python string) {
	raw, python := startPayload(n)
	if python == "" {
		raw, python = walk(raw, "info", "function", "name")
	}
	if python != "" {
		return "", python
	}
	name, ok := pyjson.Text(raw)
	if !ok {
		return "", fmt.Sprintf("AttributeError: '%s' object has no attribute 'split'", pyjson.TypeName(raw))
	}
	return `\n` + name[strings.LastIndexByte(name, '.')+1:], ""
}

// pythonText is what Python's str makes of a plain value.
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
