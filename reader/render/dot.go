package render

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// Dot writes a report as a graph for Graphviz: the operations as nodes that say
// service, name and duration, and of an HTTP server's request its method and
// the first 30 characters of its path, of an RPC or driver call its function.
//
// Of upstream's answers it writes byte for byte what the Python tool does
// (python-graphviz 0.21 quotes it), and fails where that raises. Of ours every
// operation gets its node: a line that cannot be told is left out, failed
// operations are red, incomplete ones say which half is missing instead of a
// duration. Whatever was stored stays part of a label of bounded length: it
// cannot end the label's quotes, and stands for itself. That does not hold of
// Python's answers. Other errors are w's.
func Dot(w io.Writer, r *reader.Report) error {
	out := bufio.NewWriterSize(w, 1<<16)
	g := &graph{out: out, label: ownLabel}
	if r.Upstream {
		g.label = upstreamLabel
	}
	if err := g.write(r); err != nil {
		return err
	}
	return out.Flush()
}

// A graph is written operation by operation; the edge to one follows all that
// is under it, as in upstream's.
type graph struct {
	out   *bufio.Writer
	label func(n *reader.Node) (attributes string, err error)
	next  int // the number of the next node
}

func (g *graph) write(r *reader.Report) error {
	total := "total"
	if r.Finished != nil {
		total = fmt.Sprintf("total - %d ms", *r.Finished)
	} else if r.Upstream {
		return errors.New("upstream's graph fails at a report without notifications, with TypeError: unsupported operand type(s) for -: 'NoneType' and 'int'")
	}
	_, _ = g.out.WriteString("digraph {\n") // Flush returns the error
	g.node("label=" + pythonQuote(total))
	type place struct {
		left   []*reader.Node
		number int
	}
	open := []place{{left: r.Children}}
	for {
		top := &open[len(open)-1]
		if len(top.left) > 0 {
			n := top.left[0]
			top.left = top.left[1:]
			attributes, err := g.label(n)
			if err != nil {
				return err
			}
			open = append(open, place{left: n.Children, number: g.node(attributes)})
			continue
		}
		if len(open) == 1 {
			break
		}
		fmt.Fprintf(g.out, "\t%d -> %d\n", open[len(open)-2].number, top.number)
		open = open[:len(open)-1]
	}
	_, _ = g.out.WriteString("}\n")
	if r.Upstream {
		_ = g.out.WriteByte('\n') // print adds one
	}
	return nil
}

func (g *graph) node(attributes string) (number int) {
	fmt.Fprintf(g.out, "\t%d [%s]\n", g.next, attributes)
	g.next++
	return g.next - 1
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// dotEntity matches a reference to a character as HTML writes it. Graphviz puts
// that character in its place.
var dotEntity = regexp.MustCompile(`&(#?[0-9A-Za-z]+;)`)

// dotName is how many columns a name of a label takes.
const dotName = 100

// ownLabel writes the attributes of a node of ours.
func ownLabel(n *reader.Node) (string, error) {
	label := cut(named(clean(n.Name)), dotName)
	if n.Service != "" {
		label = cut(clean(n.Service), dotName) + ":" + label
	}
	if ms, ok := n.Duration(); ok {
		label += " - " + strconv.FormatInt(ms, 10) + " ms"
	} else {
		label += " - " + cut(clean(string(n.Incomplete)), dotName)
	}
	if line := cut(clean(secondLine(n)), dotName); line != "" {
		label += "\n" + line
	}
	label = dotEntity.ReplaceAllString(dotEscapes.Replace(label), "&amp;$1")
	attributes := `label="` + label + `"`
	if n.Failed {
		attributes += " color=red"
	}
	return attributes, nil
}

// secondLine says which request or function it was; empty if nothing does.
func secondLine(n *reader.Node) string {
	info, _ := pyjson.Get(payload(n, n.Name+"-start"), "info")
	switch n.Name {
	case "wsgi":
		request, ok := pyjson.Get(info, "request")
		if !ok || pyjson.KindOf(request) != pyjson.Object {
			return ""
		}
		return member(request, "method") + " " + runes(member(request, "path"), 30) + ".."
	case "rpc", "driver":
		function, _ := pyjson.Get(info, "function")
		name := member(function, "name")
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	return ""
}

// payload returns the payload of the event of that name.
func payload(n *reader.Node, name string) string {
	for _, e := range n.Events {
		if e.Name == name {
			return e.Payload
		}
	}
	return ""
}

// runes returns the first so many characters.
func runes(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}

// What python-graphviz leaves unquoted: identifiers, numbers, HTML. (An
// expression's $ matches before a last newline too.)
var (
	graphvizHTML    = regexp.MustCompile(`(?s)^<.*>\n?\z`)
	graphvizID      = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*|-?(\.[0-9]+|[0-9]+(\.[0-9]*)?))\n?\z`)
	graphvizKeyword = map[string]bool{"node": true, "edge": true, "graph": true, "digraph": true, "subgraph": true, "strict": true}
	graphvizQuote   = regexp.MustCompile(`((?:\\\\)*)\\?"`)
)

// pythonQuote quotes a label as python-graphviz does.
func pythonQuote(label string) string {
	if graphvizHTML.MatchString(label) || graphvizID.MatchString(label) && !graphvizKeyword[strings.ToLower(label)] {
		return label
	}
	return `"` + graphvizQuote.ReplaceAllString(label, `$1\"`) + `"`
}
