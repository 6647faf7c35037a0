package reader

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// ParseReport reads a report that was saved as JSON, by the Python tool's
// `trace show --json` or by [Report.EncodeJSON], which writes it again as it
// was found, unknown members too. The error is a clear sentence and names the
// operation that is wrong; what is no JSON has [*osprofiler.SyntaxError] in its
// chain. Bytes that are no UTF-8 are read as U+FFFD.
func ParseReport(text string) (*Report, error) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	raw, err := pyjson.One(text)
	if err != nil {
		return nil, fmt.Errorf("a saved report should be a JSON object: %w", err)
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return nil, fmt.Errorf("a saved report should be a JSON object, not %s", quote(raw))
	}
	p := &reportParser{text: raw}
	if err := p.parse(); err != nil {
		return nil, fmt.Errorf("this is no saved report: %w", err)
	}
	if err := p.report.understand(); err != nil {
		return nil, fmt.Errorf("this is no saved report: %w", err)
	}
	return p.report, nil
}

// A reportParser goes once over a text that is known to be valid JSON, and
// needs no stack of calls for the levels of the tree.
type reportParser struct {
	text   string
	at     int
	report *Report
	open   []frame // the objects around the current place; the first is the report
}

type frame struct {
	node     *Node
	children bool           // the current place is in the list of its children
	seen     bool           // that list was there
	keys     map[string]int // where each key of node.found stands, once there are many
}

func (p *reportParser) parse() error {
	root := &Node{}
	p.enter(root)
	for len(p.open) > 0 {
		f := &p.open[len(p.open)-1]
		p.skip(',')
		var err error
		switch {
		case f.children && p.skip(']'):
			f.children = false
		case f.children:
			if p.text[p.at] != '{' {
				return fmt.Errorf("among the children of %s is %s, which is no object", p.place(f), quote(p.value()))
			}
			child := &Node{}
			f.node.Children = append(f.node.Children, child)
			p.enter(child)
		case p.skip('}'):
			err = p.leave(f)
		default:
			err = p.member(f)
		}
		if err != nil {
			return err
		}
	}
	p.report = &Report{Children: root.Children, found: root.found}
	return nil
}

// skip steps over blanks, over c if it is there, and over blanks again.
func (p *reportParser) skip(c byte) bool {
	p.at = pyjson.SkipSpace(p.text, p.at)
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at = pyjson.SkipSpace(p.text, p.at+1)
		return true
	}
	return false
}

// value steps over a value and returns it.
func (p *reportParser) value() string {
	end, err := pyjson.End(p.text, p.at)
	if err != nil {
		end = len(p.text) // cannot be: the text was checked
	}
	raw := p.text[p.at:end]
	p.at = end
	return raw
}

func (p *reportParser) enter(n *Node) {
	p.skip('{')
	p.open = append(p.open, frame{node: n})
}

func (p *reportParser) member(f *frame) error {
	key := pyjson.Unquote(p.value())
	p.skip(':')
	n := f.node
	if key != keyChildren {
		f.keep(key, p.value())
		return nil
	}
	if p.text[p.at] != '[' {
		return fmt.Errorf("the children of %s should be a list, not %s", p.place(f), quote(p.value()))
	}
	f.keep(key, "")
	n.Children = nil
	f.children, f.seen = true, true
	p.skip('[')
	return nil
}

// keep keeps a member as it was found; of a repeated one, the last.
func (f *frame) keep(key, raw string) {
	n := f.node
	if i, ok := f.kept(key); ok {
		n.found[i].raw = raw
		return
	}
	n.found = append(n.found, member{key, raw})
	switch {
	case f.keys != nil:
		f.keys[key] = len(n.found) - 1
	case len(n.found) > few:
		f.keys = make(map[string]int, len(n.found))
		for i, m := range n.found {
			f.keys[m.key] = i
		}
	}
}

func (f *frame) kept(key string) (i int, ok bool) {
	if f.keys != nil {
		i, ok = f.keys[key]
		return i, ok
	}
	i = slices.IndexFunc(f.node.found, func(m member) bool { return m.key == key })
	return i, i >= 0
}

func (p *reportParser) leave(f *frame) error {
	if !f.seen {
		return fmt.Errorf("%s should have a list of children", p.place(f))
	}
	if len(p.open) > 1 {
		if err := f.node.understand(); err != nil {
			return fmt.Errorf("%s: %w", p.place(f), err)
		}
	}
	p.open = p.open[:len(p.open)-1]
	return nil
}

// place names the current object in an error.
func (p *reportParser) place(f *frame) string {
	if len(p.open) == 1 {
		return "the report"
	}
	raw, ok := get(f.node.found, keyTraceID)
	if !ok {
		return "an operation without trace_id"
	}
	return "the operation " + quote(textOf(raw))
}

func get(found []member, key string) (raw string, ok bool) {
	for _, m := range found {
		if m.key == key {
			return m.raw, true
		}
	}
	return "", false
}

// object returns a member that has to be an object.
func object(found []member, key string) (raw string, err error) {
	raw, ok := get(found, key)
	if !ok {
		return "", fmt.Errorf("%q is missing", key)
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return "", fmt.Errorf("%q should be an object, not %s", key, quote(raw))
	}
	return raw, nil
}
