package reader

import (
	"io"
	"strconv"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An encoder writes JSON piece by piece, in one style.
type encoder struct {
	w      io.Writer // if nil, everything stays in dst
	dst    []byte
	err    error
	style  pyjson.Style
	first  bool // whether the next member is the first of its object
	python bool // whether the report is Python's answer

	flushed int64                           // the number of bytes written to w
	onInfo  func(n *Node, begin, end int64) // nil if the positions of the infos are not needed
}

const bufferSize = 64 << 10

// flush writes the buffer to w if the buffer has more than size bytes.
func (e *encoder) flush(size int) {
	if e.w == nil || len(e.dst) <= size {
		return
	}
	if e.err == nil {
		_, e.err = e.w.Write(e.dst)
	}
	e.flushed += int64(len(e.dst))
	e.dst = e.dst[:0]
}

// offset returns how many bytes the text has so far.
func (e *encoder) offset() int64 { return e.flushed + int64(len(e.dst)) }

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
