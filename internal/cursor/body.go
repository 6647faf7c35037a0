package cursor

import "encoding/binary"

// A Writer writes the body of a cursor. The zero Writer is an empty body.
type Writer struct{ body []byte }

// Body returns what was written.
func (w *Writer) Body() []byte { return w.body }

// Uint writes a number in as few bytes as it needs.
func (w *Writer) Uint(v uint64) { w.body = binary.AppendUvarint(w.body, v) }

// Int writes a number that may be negative in as few bytes as it needs.
func (w *Writer) Int(v int64) { w.body = binary.AppendVarint(w.body, v) }

// Uint16 writes a number in two bytes.
func (w *Writer) Uint16(v uint16) { w.body = binary.BigEndian.AppendUint16(w.body, v) }

// Uint32 writes a number in four bytes.
func (w *Writer) Uint32(v uint32) { w.body = binary.BigEndian.AppendUint32(w.body, v) }

// Uint64 writes a number in eight bytes.
func (w *Writer) Uint64(v uint64) { w.body = binary.BigEndian.AppendUint64(w.body, v) }

// Text writes a text of any length with its length before it.
func (w *Writer) Text(s string) {
	w.Uint(uint64(len(s)))
	w.body = append(w.body, s...)
}

// A Reader reads the body of a cursor in the order in which a Writer wrote it.
// After a read beyond the end, or of a number that no Writer wrote, all reads
// return zero values and OK returns false.
type Reader struct {
	rest   []byte
	failed bool
}

// OK reports whether all reads so far succeeded.
func (r *Reader) OK() bool { return !r.failed }

// Done reports whether the whole body was read and all reads succeeded.
func (r *Reader) Done() bool { return !r.failed && len(r.rest) == 0 }

// More reports whether a part of the body is not read yet.
func (r *Reader) More() bool { return !r.failed && len(r.rest) > 0 }

// Uint reads what [Writer.Uint] wrote.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	// A number that ends with a zero byte could be written in fewer bytes.
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Int reads what [Writer.Int] wrote.
func (r *Reader) Int() int64 {
	u := r.Uint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// Count reads a number that [Writer.Uint] wrote. The read fails if the number is larger
// than most.
func (r *Reader) Count(most int) int {
	v := r.Uint()
	if v > uint64(max(most, 0)) {
		r.fail()
		return 0
	}
	return int(v)
}

// Uint16 reads what [Writer.Uint16] wrote.
func (r *Reader) Uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads what [Writer.Uint32] wrote.
func (r *Reader) Uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads what [Writer.Uint64] wrote.
func (r *Reader) Uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Text reads what [Writer.Text] wrote.
func (r *Reader) Text() string { return string(r.take(r.Count(len(r.rest)))) }

// take returns the next bytes, or nil if there are fewer.
func (r *Reader) take(n int) []byte {
	if r.failed || n > len(r.rest) {
		r.fail()
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *Reader) fail() { r.failed, r.rest = true, nil }
