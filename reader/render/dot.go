package render

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
	"github.com/osprofiler-otel/osprofiler/reader/internal/dot"
)

// Dot writes a report as a graph for Graphviz. The nodes are the operations, with service,
// name and duration. The request of an HTTP server also has its method and the first 30
// characters of its path. An RPC or driver call also has its function. Failed operations are
// red. An incomplete operation has the missing half in place of its duration. The length of a
// label is bounded. A stored text cannot end the label's quotes and is not interpreted by
// Graphviz. The error is w's.
//
// Package reader/python writes the Python tool's graph.
func Dot(w io.Writer, r *reader.Report) error {
	total := "label=total"
	if r.Finished != nil {
		total = fmt.Sprintf(`label="total - %d ms"`, *r.Finished)
	}
	return dot.Write(w, total, r, dotAttributes)
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// dotEntity matches an HTML character reference, which Graphviz would replace.
var dotEntity = regexp.MustCompile(`&(#?[0-9A-Za-z]+;)`)

// dotCut shortens a text of a label to 100 columns.
func dotCut(text string) string { return brush{}.cut(text, 100) }

// dotAttributes returns the attributes of a node.
func dotAttributes(n *reader.Node) (string, error) {
	label := dotCut(orDash(clean(n.Name)))
	if n.Service != "" {
		label = dotCut(clean(n.Service)) + ":" + label
	}
	if ms, ok := n.Duration(); ok {
		label += " - " + strconv.FormatInt(ms, 10) + " ms"
	} else {
		label += " - " + dotCut(clean(string(n.Incomplete)))
	}
	if line := dotCut(clean(secondLine(n))); line != "" {
		label += "\n" + line
	}
	label = dotEntity.ReplaceAllString(dotEscapes.Replace(label), "&amp;$1")
	attributes := `label="` + label + `"`
	if n.Failed {
		attributes += " color=red"
	}
	return attributes, nil
}

// secondLine names the request or the function of an operation. It is empty if
// the operation has neither.
func secondLine(n *reader.Node) string {
	info, _ := pyjson.Get(dot.StartPayload(n), "info")
	switch n.Name {
	case "wsgi":
		request, ok := pyjson.Get(info, "request")
		if !ok || pyjson.KindOf(request) != pyjson.Object {
			return ""
		}
		return describe.Member(request, "method") + " " + dot.FirstRunes(describe.Member(request, "path"), 30) + ".."
	case "rpc", "driver":
		function, _ := pyjson.Get(info, "function")
		name := describe.Member(function, "name")
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	return ""
}
