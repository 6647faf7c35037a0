package reader

import (
	"io"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// EncodeJSON writes the report as the Python tool's `trace show --json` does,
// byte for byte: the same keys in the same order, an indent of two blanks,
// non-ASCII escaped, one line's end behind it. Our own answers have more keys
// where upstream's have nothing to say: "incomplete" in an operation's info
// and in a stat, and "warnings" at the end. What lies deeper than the Python tool
// can follow, about 500 operations, stands on one line. A report that [ParseReport] read is written as it
// was found. The error is w's.
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

// An encoder writes JSON by pieces, in one style.
type encoder struct {
	w     io.Writer // nil: all stays in dst
	dst   []byte
	err   error
	style pyjson.Style
	first bool // the next member is the first of its object
}

const bufferSize = 64 << 10

// flush writes out what has gathered, if it is more than so much.
func (e *encoder) flush(least int) {
	if e.w == nil || len(e.dst) <= least {
		return
	}
	if e.err == nil {
		_, e.err = e.w.Write(e.dst)
	}
	e.dst = e.dst[:0]
}

func (e *encoder) open(bracket byte) {
	e.dst = append(e.dst, bracket)
	e.first = true
}

func (e *encoder) close(bracket byte, depth int) {
	if !e.first {
		e.dst = e.style.NewLine(e.dst, depth)
	}
	e.dst = append(e.dst, bracket)
	e.first = false
}

// next starts an element or a member.
func (e *encoder) next(depth int) {
	if !e.first {
		e.dst = append(e.dst, e.style.Comma...)
	}
	e.first = false
	e.dst = e.style.NewLine(e.dst, depth)
}

func (e *encoder) key(depth int, key string) {
	e.next(depth)
	e.dst = append(pyjson.AppendString(e.dst, key), e.style.Colon...)
}

func (e *encoder) raw(depth int, key, raw string) {
	e.key(depth, key)
	e.dst = e.style.AppendAt(e.dst, raw, depth)
}

func (e *encoder) text(depth int, key, text string) {
	e.key(depth, key)
	e.dst = pyjson.AppendString(e.dst, text)
}

func (e *encoder) number(depth int, key string, n int64) {
	e.key(depth, key)
	e.dst = strconv.AppendInt(e.dst, n, 10)
}

func (e *encoder) optional(depth int, key string, n *int64) {
	if n == nil {
		e.raw(depth, key, "null")
		return
	}
	e.number(depth, key, *n)
}

func (e *encoder) report(r *Report) {
	e.open('{')
	if r.found != nil {
		for _, m := range r.found {
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
	if !r.Upstream && len(r.Warnings) > 0 {
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
		if s.Incomplete > 0 && !r.Upstream {
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

// forest writes the list of the operations at the top and all under them,
// without recursion.
func (e *encoder) forest(r *Report) {
	lists := [][]*Node{r.Children} // what is left to write, level by level
	nodes := []*Node{nil}          // whose list it is
	e.open('[')
	for {
		level := len(lists) - 1
		if left := lists[level]; len(left) > 0 {
			lists[level] = left[1:]
			e.next(2*level + 2)
			e.before(left[0], 2*level+2, r.Upstream)
			e.open('[')
			lists, nodes = append(lists, left[0].Children), append(nodes, left[0])
			e.flush(bufferSize)
			continue
		}
		e.close(']', 2*level+1)
		if level == 0 {
			return
		}
		e.after(nodes[level], 2*level)
		lists, nodes = lists[:level], nodes[:level]
	}
}

// before writes a node up to the list of its children.
func (e *encoder) before(n *Node, depth int, upstream bool) {
	e.open('{')
	if n.found != nil {
		for _, m := range n.found {
			if m.key == keyChildren {
				break
			}
			e.raw(depth+1, m.key, m.raw)
		}
	} else {
		e.info(n, depth+1, upstream)
		e.field(n, depth+1, keyTraceID, n.TraceID)
		e.field(n, depth+1, keyParentID, n.ParentID)
	}
	e.key(depth+1, keyChildren)
}

// after writes what stands behind the children.
func (e *encoder) after(n *Node, depth int) {
	behind := false
	for _, m := range n.found {
		if behind {
			e.raw(depth+1, m.key, m.raw)
		}
		behind = behind || m.key == keyChildren
	}
	e.close('}', depth)
}

// info writes the keys in the order in which upstream's dict has them: as the
// events came.
func (e *encoder) info(n *Node, depth int, upstream bool) {
	e.key(depth, keyInfo)
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
	if n.Incomplete != Complete && !upstream {
		e.text(depth, keyIncomplete, string(n.Incomplete))
	}
	e.close('}', depth-1)
}

func (e *encoder) time(n *Node, depth int, key string, ms int64) {
	if n.Timed {
		e.number(depth, key, ms)
	} else {
		e.raw(depth, key, "null")
	}
}

// field writes a field of the node: a string, null where it is empty, or the
// raw value where that is something else.
func (e *encoder) field(n *Node, depth int, key, text string) {
	raw, odd := n.raw(key)
	switch {
	case odd:
		e.raw(depth, key, raw)
	case text == "" && key != keyException:
		e.raw(depth, key, "null")
	default:
		e.text(depth, key, text)
	}
}
