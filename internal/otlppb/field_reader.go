package otlppb

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A fieldReader reads a part of a body field by field. After next, one method reads the
// value. The reader ends when something is not valid, and failed is true then.
type fieldReader struct {
	raw     []byte
	text    string // of raw, if string is called
	at, end int    // the range that is not read yet
	tag     field
	failed  bool
}

func newFieldReader(raw []byte) fieldReader { return fieldReader{raw: raw, end: len(raw)} }

// next reads the next tag. It returns false at the end of the part.
func (r *fieldReader) next() bool {
	if r.at >= r.end || r.failed {
		return false
	}
	r.tag = field(r.varint())
	return !r.failed
}

// varint reads a number.
func (r *fieldReader) varint() uint64 {
	if r.at < r.end {
		if b := r.raw[r.at]; b < 0x80 {
			r.at++
			return uint64(b)
		}
	}
	return r.longVarint()
}

func (r *fieldReader) longVarint() uint64 {
	v, n := protowire.ConsumeVarint(r.raw[r.at:r.end])
	r.advance(n)
	return v
}

// advance skips n bytes. A negative n is an error of protowire.
func (r *fieldReader) advance(n int) {
	if n < 0 {
		r.failed, n = true, 0
	}
	r.at += n
}

// check fails if a value could not be read.
func (r *fieldReader) check(ok bool) bool {
	r.failed = r.failed || !ok
	return ok
}

// span reads the range of the value of a field for bytes, texts and messages.
func (r *fieldReader) span() (from, to int) {
	n := r.varint()
	if r.failed || n > uint64(r.end-r.at) {
		r.failed = true
		return r.at, r.at
	}
	from = r.at
	r.at += int(n)
	return from, r.at
}

// content returns the value of a field for bytes, texts and messages.
func (r *fieldReader) content() []byte {
	from, to := r.span()
	return r.raw[from:to]
}

// inside goes into a message, and returns where the message ends.
func (r *fieldReader) inside() (end int) {
	r.at, end = r.span()
	return end
}

// bytes is content, copied.
func (r *fieldReader) bytes() []byte { return slices.Clone(r.content()) }

// string returns a text, as a part of r.text.
func (r *fieldReader) string() string {
	from, to := r.span()
	text := r.text[from:to]
	r.check(utf8.ValidString(text))
	return text
}

// ownText returns a text that is copied.
func (r *fieldReader) ownText() string {
	text := string(r.content())
	r.check(utf8.ValidString(text))
	return text
}

func (r *fieldReader) fixed64() (v uint64) {
	if r.end-r.at < 8 {
		r.failed = true
		return 0
	}
	v = binary.LittleEndian.Uint64(r.raw[r.at:])
	r.at += 8
	return v
}

func (r *fieldReader) fixed32() (v uint32) {
	if r.end-r.at < 4 {
		r.failed = true
		return 0
	}
	v = binary.LittleEndian.Uint32(r.raw[r.at:])
	r.at += 4
	return v
}

// skip skips the value of a field.
func (r *fieldReader) skip() {
	number, kind := protowire.DecodeTag(uint64(r.tag))
	if kind == protowire.BytesType && number > 0 {
		r.span()
		return
	}
	r.advance(protowire.ConsumeFieldValue(number, kind, r.raw[r.at:r.end]))
}
