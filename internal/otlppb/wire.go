package otlppb

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A field is the tag of a field: its number and the type of its value.
type field uint64

func bytesField(n protowire.Number) field {
	return field(protowire.EncodeTag(n, protowire.BytesType))
}

func varintField(n protowire.Number) field {
	return field(protowire.EncodeTag(n, protowire.VarintType))
}

func fixed64Field(n protowire.Number) field {
	return field(protowire.EncodeTag(n, protowire.Fixed64Type))
}

func fixed32Field(n protowire.Number) field {
	return field(protowire.EncodeTag(n, protowire.Fixed32Type))
}

// open appends the tag of a message or of a string and reserves one byte for the
// length. [closeMessage] sets the length.
func open(b []byte, f field) (_ []byte, start int) {
	b = append(protowire.AppendVarint(b, uint64(f)), 0)
	return b, len(b)
}

// closeMessage sets the length of the message or string that [open] began. It moves longer
// contents to make room for the length.
func closeMessage(b []byte, start int) []byte {
	length := len(b) - start
	if length < 0x80 {
		b[start-1] = byte(length)
		return b
	}
	var room [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(room[:], uint64(length))
	b = slices.Grow(b, n-1)[:len(b)+n-1]
	copy(b[start+n-1:], b[start:])
	copy(b[start-1:], room[:n])
	return b
}

func appendBytes(b []byte, f field, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendVarint(b, uint64(f)), value)
}

// appendText appends a string, which becomes valid UTF-8.
func appendText(b []byte, f field, text string) []byte {
	return protowire.AppendString(protowire.AppendVarint(b, uint64(f)), validUTF8(text))
}

// appendOptional appends a string unless it is empty.
func appendOptional(b []byte, f field, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(b, f, text)
}

func appendVarint(b []byte, f field, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendVarint(b, uint64(f)), value)
}

// appendCount appends a number, except OTLP's default, 0.
func appendCount(b []byte, f field, n int) []byte {
	if n <= 0 {
		return b
	}
	return appendVarint(b, f, min(uint64(n), math.MaxUint32))
}

func appendDouble(b []byte, f field, value float64) []byte {
	return protowire.AppendFixed64(protowire.AppendVarint(b, uint64(f)), math.Float64bits(value))
}

// lastTime is the last time whose nanoseconds since 1970 fit in an int64.
var lastTime = time.Unix(0, math.MaxInt64)

// appendTime appends a time, except the zero time of a span that has not ended. A time that
// is too late becomes lastTime.
func appendTime(b []byte, f field, t time.Time) []byte {
	switch {
	case t.IsZero() || t.Year() < 1970:
		return b
	case t.After(lastTime):
		t = lastTime
	}
	nanoseconds := t.UnixNano()
	if nanoseconds <= 0 { // OTLP has no time before 1970
		return b
	}
	return protowire.AppendFixed64(protowire.AppendVarint(b, uint64(f)), uint64(nanoseconds))
}

func validUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
