// Package dot writes the tree of a report as a graph for Graphviz.
package dot

import (
	"bufio"
	"fmt"
	"io"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// Write writes a graph with a node for the trace, with the attributes in total, and a node
// for each operation, with the attributes that the function returns. If that function fails,
// Write writes nothing more. The edge to an operation follows its descendants, as in the
// Python library's graph.
func Write(w io.Writer, total string, r *reader.Report, attributes func(n *reader.Node) (string, error)) error {
	out := bufio.NewWriterSize(w, 1<<16)
	g := graph{out: out}
	_, _ = out.WriteString("digraph {\n") // Flush returns the error
	open := []openNode{{number: g.node(total), children: r.Children}}
	for len(open) > 0 {
		last := &open[len(open)-1]
		if len(last.children) > 0 {
			n := last.children[0]
			last.children = last.children[1:]
			text, err := attributes(n)
			if err != nil {
				return err
			}
			open = append(open, openNode{number: g.node(text), children: n.Children})
			continue
		}
		if len(open) > 1 {
			fmt.Fprintf(out, "\t%d -> %d\n", open[len(open)-2].number, last.number)
		}
		open = open[:len(open)-1]
	}
	_, _ = out.WriteString("}\n")
	return out.Flush()
}

// An openNode is a node whose descendants are not all written.
type openNode struct {
	number   int
	children []*reader.Node // those still to write
}

type graph struct {
	out  *bufio.Writer
	next int // the number of the next node
}

// node writes a node and returns its number.
func (g *graph) node(attributes string) (number int) {
	fmt.Fprintf(g.out, "\t%d [%s]\n", g.next, attributes)
	g.next++
	return g.next - 1
}

// StartPayload returns the payload of the event that is named like the operation
// with -start. It is empty if there is none.
func StartPayload(n *reader.Node) string {
	for _, e := range n.Events {
		if e.Name == n.Name+"-start" {
			return e.Payload
		}
	}
	return ""
}

// FirstRunes returns the first most characters of a text.
func FirstRunes(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}
