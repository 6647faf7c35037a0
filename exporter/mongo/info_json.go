package mongo

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// sameInfo reports whether decoding the element yields this JSON text, apart from its
// spelling.
func sameInfo(e *element, info string) bool {
	text, err := appendValue(make([]byte, 0, len(info)), e, 0)
	return err == nil && (string(text) == info || sameButSpelling(string(text), info))
}

// sameButSpelling reports whether two valid JSON texts differ only in the white
// space between their values and in the escapes of their strings. The members are
// in the same order, and the numbers have the same digits.
func sameButSpelling(a, b string) bool {
	for i, j := 0, 0; ; {
		i, j = pyjson.SkipSpace(a, i), pyjson.SkipSpace(b, j)
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if a[i] != b[j] {
			return false
		}
		if a[i] != '"' {
			i, j = i+1, j+1
			continue
		}
		endA, errA := pyjson.End(a, i)
		endB, errB := pyjson.End(b, j)
		if errA != nil || errB != nil || pyjson.Unquote(a[i:endA]) != pyjson.Unquote(b[j:endB]) {
			return false
		}
		i, j = endA, endB
	}
}

// mostNested is how deep a document is read. Servers store less.
const mostNested = 1000

// appendValue appends the JSON of a value, as Python's json.dumps writes what
// pymongo makes of the value. docs/stores/mongodb.md has the table of the types
// that JSON lacks.
func appendValue(dst []byte, e *element, level int) ([]byte, error) {
	switch e.kind {
	case bson.TypeString, bson.TypeSymbol, bson.TypeJavaScript:
		dst = pyjson.AppendEscaped(append(dst, '"'), e.value[4:len(e.value)-1])
		return append(dst, '"'), nil
	case bson.TypeInt32:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(e.value))), 10), nil
	case bson.TypeInt64:
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(e.value)), 10), nil
	case bson.TypeDouble:
		return pyjson.AppendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(e.value))), nil
	case bson.TypeBoolean:
		return strconv.AppendBool(dst, e.value[0] != 0), nil
	case bson.TypeNull, bson.TypeUndefined:
		return append(dst, "null"...), nil
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		if level >= mostNested {
			return dst, fmt.Errorf("the document is nested more than %d levels deep", mostNested)
		}
		return appendContainer(dst, e, level)
	}
	return appendForeign(dst, e)
}

// appendContainer appends a document or an array.
func appendContainer(dst []byte, e *element, level int) ([]byte, error) {
	rest, err := elements(e.value)
	if err != nil {
		return dst, err
	}
	open, end := byte('{'), byte('}')
	if e.kind == bson.TypeArray {
		open, end = '[', ']'
	}
	dst = append(dst, open)
	var inner element
	for first := true; len(rest) > 0; first = false {
		if inner, rest, err = nextElement(rest); err != nil {
			return dst, err
		}
		if !first {
			dst = append(dst, ", "...)
		}
		if open == '{' {
			dst = append(pyjson.AppendString(dst, inner.key), ": "...)
		}
		if dst, err = appendValue(dst, &inner, level+1); err != nil {
			return dst, err
		}
	}
	return append(dst, end), nil
}

// appendForeign appends a value of a type that JSON lacks.
func appendForeign(dst []byte, e *element) ([]byte, error) {
	switch e.kind {
	case bson.TypeDateTime:
		return pyjson.AppendString(dst, isoformat(int64(binary.LittleEndian.Uint64(e.value)))), nil
	case bson.TypeObjectID:
		return pyjson.AppendString(dst, hex.EncodeToString(e.value)), nil
	case bson.TypeBinary:
		return pyjson.AppendString(dst, textOfBinary(e.value[4], e.value[5:])), nil
	case bson.TypeDecimal128:
		return pyjson.AppendString(dst, e.raw().Decimal128().String()), nil
	case bson.TypeRegex:
		pattern, options, _ := strings.Cut(string(e.value[:len(e.value)-1]), "\x00")
		return pyjson.AppendString(dst, "/"+pattern+"/"+options), nil
	}
	return appendExtended(dst, e)
}

// appendExtended appends MongoDB's Extended JSON of a value.
func appendExtended(dst []byte, e *element) ([]byte, error) {
	document := beginDocument(nil)
	document = append(appendKey(document, e.kind, "v"), e.value...)
	document = endDocument(document, 0)
	if err := bson.Raw(document).Validate(); err != nil {
		return dst, errBSON
	}
	text, err := bson.MarshalExtJSON(bson.Raw(document), false, false)
	if err != nil {
		return dst, errBSON
	}
	raw, ok := pyjson.Get(string(text), "v")
	if !ok {
		return dst, errBSON
	}
	return append(dst, valid(raw)...), nil
}

// isoformat writes a date as isoformat of Python's datetime does.
func isoformat(milliseconds int64) string {
	t := time.UnixMilli(milliseconds).UTC()
	if t.Year() < 1 || t.Year() > 9999 { // Python has no such date
		return strconv.FormatInt(milliseconds, 10)
	}
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000000")
}

// Subtypes of binaries.
const (
	subtypeOld     = 2 // the length is repeated before the bytes
	subtypeOldUUID = 3
	subtypeUUID    = 4
)

// textOfBinary returns a UUID as its text, bytes that are UTF-8 as that text, and
// other bytes in base64. pymongo writes a UUID of subtype 3 in the order of its
// text.
func textOfBinary(subtype byte, data []byte) string {
	if subtype == subtypeOld && len(data) >= 4 && int(binary.LittleEndian.Uint32(data)) == len(data)-4 {
		data = data[4:]
	}
	if (subtype == subtypeOldUUID || subtype == subtypeUUID) && len(data) == 16 {
		return fmt.Sprintf("%x-%x-%x-%x-%x", data[:4], data[4:6], data[6:8], data[8:10], data[10:])
	}
	if utf8.Valid(data) {
		return string(data)
	}
	return base64.StdEncoding.EncodeToString(data)
}
