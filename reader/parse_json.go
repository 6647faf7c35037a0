package reader

import (
	"errors"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// A reportParser reads the tree of a text that is known to be valid JSON, in one
// pass. It is not recursive.
type reportParser struct {
	text   string
	offset int
	open   []openNode // the objects around the offset; the first is the report

	oddities    oddities
	isIrregular bool // whether the tree cannot represent the text
}

// An openNode is an object whose end is not read yet.
type openNode struct {
	*Node
	inChildren  bool           // whether the offset is in the list of its children
	hasChildren bool           // whether the list of its children was read, at least in part
	index       map[string]int // the index of each key in saved, once there are many
}

func (p *reportParser) parse() (*Report, error) {
	root := &Node{}
	p.enter(root)
	for len(p.open) > 0 {
		n := &p.open[len(p.open)-1]
		p.skip(',')
		var err error
		switch {
		case n.inChildren && p.skip(']'):
			n.inChildren = false
		case n.inChildren:
			p.child(n)
		case p.skip('}'):
			err = p.leave(n)
		default:
			err = p.member(n)
		}
		if err != nil {
			return nil, err
		}
	}
	return &Report{Children: root.Children, saved: root.saved}, nil
}

// child begins to read a child of the node.
func (p *reportParser) child(n *openNode) {
	if p.text[p.offset] != '{' {
		p.isIrregular = true
		p.oddities.add("among the children of %s is %s, which is no object", p.nameOf(n), safetext.Quote(p.value()))
		return
	}
	child := &Node{}
	n.Children = append(n.Children, child)
	p.enter(child)
}

// skip skips blanks, the byte c if it follows, and the blanks after it.
func (p *reportParser) skip(c byte) bool {
	p.offset = pyjson.SkipSpace(p.text, p.offset)
	if p.offset < len(p.text) && p.text[p.offset] == c {
		p.offset = pyjson.SkipSpace(p.text, p.offset+1)
		return true
	}
	return false
}

// value skips a value and returns it.
func (p *reportParser) value() string {
	end, err := pyjson.End(p.text, p.offset)
	if err != nil {
		end = len(p.text) // cannot happen, because the text is valid
	}
	raw := p.text[p.offset:end]
	p.offset = end
	return raw
}

func (p *reportParser) enter(n *Node) {
	p.skip('{')
	p.open = append(p.open, openNode{Node: n})
}

func (p *reportParser) member(n *openNode) error {
	key := pyjson.Unquote(p.value())
	p.skip(':')
	if key != keyChildren {
		n.setSaved(key, p.value())
		return nil
	}
	if p.text[p.offset] != '[' {
		return p.oddChildren(n, p.value())
	}
	n.setSaved(key, "")
	n.Children = nil
	n.inChildren, n.hasChildren = true, true
	p.skip('[')
	return nil
}

// oddChildren treats a member "children" that is not a list as no children. Only the report
// itself must have a list.
func (p *reportParser) oddChildren(n *openNode, raw string) error {
	if len(p.open) == 1 {
		return fmt.Errorf("the report should have a list of children, not %s", safetext.Quote(raw))
	}
	p.isIrregular = true
	n.Children, n.hasChildren = nil, true
	if raw != "null" {
		p.oddities.add("the children of %s should be a list, not %s", p.nameOf(n), safetext.Quote(raw))
	}
	return nil
}

// setSaved adds a member as it was read. If its key is repeated, the last counts.
func (n *openNode) setSaved(key, raw string) {
	if i, ok := n.indexOf(key); ok {
		n.saved[i].raw = raw
		return
	}
	n.saved = append(n.saved, member{key, raw})
	switch {
	case n.index != nil:
		n.index[key] = len(n.saved) - 1
	case len(n.saved) > fewEvents:
		n.index = make(map[string]int, len(n.saved))
		for i, m := range n.saved {
			n.index[m.key] = i
		}
	}
}

func (n *openNode) indexOf(key string) (i int, ok bool) {
	if n.index != nil {
		i, ok = n.index[key]
		return i, ok
	}
	i = slices.IndexFunc(n.saved, func(m member) bool { return m.key == key })
	return i, i >= 0
}

func (p *reportParser) leave(n *openNode) error {
	isReport := len(p.open) == 1
	switch {
	case isReport && !n.hasChildren:
		return errors.New("the report should have a list of children")
	case !isReport:
		p.isIrregular = p.isIrregular || !n.hasChildren
		n.setFromSaved(&p.oddities)
	}
	p.open = p.open[:len(p.open)-1]
	return nil
}

// nameOf names an object in an error.
func (p *reportParser) nameOf(n *openNode) string {
	if len(p.open) == 1 {
		return "the report"
	}
	return n.savedLabel()
}
