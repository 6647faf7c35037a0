package reader

import (
	"io"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// EncodeJSON writes the report as the Python tool's `trace show --json` does,
// byte for byte: the same keys in the same order, an indent of two blanks,
// non-ASCII characters escaped, a line feed at the end. A report that is not
// Python's answer has more keys: "incomplete" in an operation's info and in a
// stat, and "warnings" at the end. Operations below about 500 levels, where the
// Python tool fails, are written on one line. A report that [ParseReport] read is
// written as it was read. The error is w's.
func (r *Report) EncodeJSON(w io.Writer) error {
	e := &encoder{w: w, style: pyjson.Indented}
	e.report(r)
	e.dst = append(e.dst, '\n')
	e.flush(0)
	return e.err
}

// MarshalJSON implements [encoding/json.Marshaler] with what EncodeJSON writes.
func (r *Report) MarshalJSON() ([]byte, error) {
	e := &encoder{style: pyjson.Compact}
	e.report(r)
	return e.dst, nil
}

// EncodeCompact writes the text that [Report.MarshalJSON] returns, without holding
// it in memory. For each operation EncodeCompact calls info with the range of bytes
// that contains the operation's member "info". It does not call info for an
// operation of a saved report that has no such member, nor for any operation of a
// saved report whose tree is irregular, because such a report is written as it was
// read. The error is w's.
func (r *Report) EncodeCompact(w io.Writer, info func(n *Node, begin, end int64)) error {
	e := &encoder{w: w, style: pyjson.Compact, onInfo: info}
	e.report(r)
	e.flush(0)
	return e.err
}

func (e *encoder) report(r *Report) {
	e.python = r.Python
	if r.verbatim != "" {
		e.dst = e.style.Append(e.dst, r.verbatim)
		return
	}
	e.open('{')
	if r.saved != nil {
		for _, m := range r.saved {
			if m.key == keyChildren {
				e.key(1, keyChildren)
				e.forest(r)
			} else {
				e.raw(1, m.key, m.raw)
			}
		}
		e.close('}', 0)
		return
	}
	e.total(r)
	e.key(1, keyChildren)
	e.forest(r)
	e.stats(r)
	if !e.python && len(r.Warnings) > 0 {
		e.warnings(r.Warnings)
	}
	e.close('}', 0)
}

func (e *encoder) total(r *Report) {
	e.key(1, keyInfo)
	e.open('{')
	e.text(2, keyName, "total")
	e.number(2, keyStarted, 0)
	e.optional(2, keyFinished, r.Finished)
	e.optional(2, keyLastStarted, r.LastStarted)
	e.close('}', 1)
}

func (e *encoder) stats(r *Report) {
	e.key(1, keyStats)
	e.open('{')
	for _, s := range r.Stats {
		e.key(2, s.Name)
		e.open('{')
		e.number(3, keyCount, s.Count)
		e.number(3, keyDuration, s.Duration)
		if s.Incomplete > 0 && !e.python {
			e.number(3, keyIncomplete, s.Incomplete)
		}
		e.close('}', 2)
	}
	e.close('}', 1)
}

func (e *encoder) warnings(warnings []string) {
	e.key(1, keyWarnings)
	e.open('[')
	for _, w := range warnings {
		e.next(2)
		e.dst = pyjson.AppendString(e.dst, w)
	}
	e.close(']', 1)
}

// forest writes the list of the top-level operations with all their descendants. It is not
// recursive.
func (e *encoder) forest(r *Report) {
	lists := [][]*Node{r.Children} // the nodes still to write, by level
	nodes := []*Node{nil}          // the parents of these nodes
	e.open('[')
	for {
		level := len(lists) - 1
		if rest := lists[level]; len(rest) > 0 {
			lists[level] = rest[1:]
			e.next(2*level + 2)
			e.beforeChildren(rest[0], 2*level+2)
			e.open('[')
			lists, nodes = append(lists, rest[0].Children), append(nodes, rest[0])
			e.flush(bufferSize)
			continue
		}
		e.close(']', 2*level+1)
		if level == 0 {
			return
		}
		e.afterChildren(nodes[level], 2*level)
		lists, nodes = lists[:level], nodes[:level]
	}
}

// beforeChildren writes a node up to the list of its children.
func (e *encoder) beforeChildren(n *Node, depth int) {
	e.open('{')
	if n.saved != nil {
		for _, m := range n.saved {
			if m.key == keyChildren {
				break
			}
			e.savedMember(n, m, depth+1)
		}
	} else {
		e.info(n, depth+1)
		e.field(n, depth+1, keyTraceID, n.TraceID)
		e.field(n, depth+1, keyParentID, n.ParentID)
	}
	e.key(depth+1, keyChildren)
}

// afterChildren writes a node from the end of the list of its children.
func (e *encoder) afterChildren(n *Node, depth int) {
	after := false
	for _, m := range n.saved {
		if after {
			e.savedMember(n, m, depth+1)
		}
		after = after || m.key == keyChildren
	}
	e.close('}', depth)
}

// savedMember writes a member of an operation of a saved report as it was read.
func (e *encoder) savedMember(n *Node, m member, depth int) {
	e.key(depth, m.key)
	begin := e.offset()
	e.dst = e.style.AppendAt(e.dst, m.raw, depth)
	if m.key == keyInfo && e.onInfo != nil {
		e.onInfo(n, begin, e.offset())
	}
}

// info writes the keys in the order of the Python library's dict, which is the
// order in which the events arrived.
func (e *encoder) info(n *Node, depth int) {
	e.key(depth, keyInfo)
	begin := e.offset()
	e.open('{')
	depth++
	e.text(depth, keyName, n.Name)
	e.field(n, depth, keyProject, n.Project)
	e.field(n, depth, keyService, n.Service)
	e.field(n, depth, keyHost, n.Host)
	started, finished := false, false
	for _, event := range n.Events {
		e.raw(depth, event.Key(), event.Payload)
		switch stop := event.Half() == osprofiler.Stop; {
		case stop && !finished:
			e.time(n, depth, keyFinished, n.Finished)
			e.field(n, depth, keyException, n.Exception)
			finished = true
		case !stop && !started:
			e.time(n, depth, keyStarted, n.Started)
			started = true
		}
	}
	if !started {
		e.time(n, depth, keyStarted, n.Started)
	}
	if !finished {
		e.time(n, depth, keyFinished, n.Finished)
	}
	if n.Incomplete != Complete && !e.python {
		e.text(depth, keyIncomplete, string(n.Incomplete))
	}
	e.close('}', depth-1)
	if e.onInfo != nil {
		e.onInfo(n, begin, e.offset())
	}
}

func (e *encoder) time(n *Node, depth int, key string, ms int64) {
	if n.Timed {
		e.number(depth, key, ms)
	} else {
		e.raw(depth, key, "null")
	}
}

// field writes what [Node.FieldJSON] returns for a field.
func (e *encoder) field(n *Node, depth int, key, text string) {
	raw, odd := n.oddField(key)
	switch {
	case odd:
		e.raw(depth, key, raw)
	case text == "" && key != keyException:
		e.raw(depth, key, "null")
	default:
		e.text(depth, key, text)
	}
}
