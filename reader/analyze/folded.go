package analyze

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// deepestStack is how many frames a stack of Folded has at most. Programs that draw flame
// graphs cannot show more.
const deepestStack = 500

// mostFrame bounds the name of a frame, in code points.
const mostFrame = 200

// Folded writes the self times of a trace as folded stacks, which programs that draw flame
// graphs read (flamegraph.pl, inferno, speedscope). Each line has the names of an operation's
// ancestors and its own name, from the top down, with semicolons between them, then a blank
// and the self time in whole microseconds. Operations with the same names share one line.
// Operations with less than a microsecond have no line.
//
// A semicolon in a name is written as \x3b. Line feeds and other white space become one
// blank. Other invisible characters are written as their codes. A name does not end in a
// blank. If it ends in a number after a blank, which those programs would read as a second
// value, that blank is written as \x20. The time of an operation more than 500 levels deep
// counts for its ancestor at that level. The error is w's.
func Folded(w io.Writer, r *reader.Report) error {
	c := newContexts()
	c.add(newTrace(r))
	self, children := c.boundedTree(deepestStack)
	names := make([]string, len(c.labels.labels))
	for i, l := range c.labels.labels {
		names[i] = l.stackFrame()
	}
	out := bufio.NewWriterSize(w, 1<<16)
	var stack []byte
	ends := []int{0} // the length of the stack at each depth
	left := children[0]
	for len(left) > 0 {
		i := left[len(left)-1]
		left = append(left[:len(left)-1], children[i+1]...)
		depth := int(c.all[i].depth)
		stack = stack[:ends[depth]]
		if depth > 0 {
			stack = append(stack, ';')
		}
		stack = append(stack, names[c.all[i].label]...)
		ends = append(ends[:depth+1], len(stack))
		if us := self[i].Microseconds(); us > 0 {
			_, _ = out.Write(stack) // Flush returns the error
			_, _ = fmt.Fprintf(out, " %d\n", us)
		}
	}
	return out.Flush()
}

// boundedTree returns the self times of the first trace, and the children of each context by
// the context's index plus 1, in reverse order. The self times of contexts below the deepest
// level are added to their ancestors at that level.
func (c *contexts) boundedTree(levels int32) (self []time.Duration, children [][]int32) {
	self, children = make([]time.Duration, len(c.all)), make([][]int32, len(c.all)+1)
	for i := len(c.all) - 1; i >= 0; i-- {
		x := &c.all[i]
		self[i] = plus(self[i], x.sides[0].self)
		if x.depth >= levels {
			self[x.parent] = plus(self[x.parent], self[i])
			continue
		}
		children[x.parent+1] = append(children[x.parent+1], int32(i))
	}
	return self, children
}

// stackFrame names the label in a folded stack.
func (l label) stackFrame() string {
	if l.kind == Statement {
		l.what = describe.Statement(l.what)
	}
	text := onOneLine(strings.TrimSpace(l.frame()), mostFrame)
	text = strings.ReplaceAll(text, ";", `\x3b`)
	if text == "" {
		return "-"
	}
	if at := strings.LastIndexByte(text, ' '); at >= 0 && strings.Trim(text[at+1:], "0123456789.") == "" {
		text = text[:at] + `\x20` + text[at+1:]
	}
	return text
}
