package mongo

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// appendKey appends the type and the key of an element. The value follows the key.
// The key has no U+0000.
func appendKey(dst []byte, kind bson.Type, key string) []byte {
	dst = append(append(dst, byte(kind)), key...)
	return append(dst, 0)
}

// appendString appends an element with a string, which is valid UTF-8.
func appendString(dst []byte, key, value string) []byte {
	dst = appendKey(dst, bson.TypeString, key)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)+1))
	return append(append(dst, value...), 0)
}

// appendOrNull appends a string, or null for an empty one.
func appendOrNull(dst []byte, key, value string) []byte {
	if value == "" {
		return appendKey(dst, bson.TypeNull, key)
	}
	return appendString(dst, key, value)
}

// appendInt appends an integer in the type that pymongo chooses.
func appendInt(dst []byte, key string, n int64) []byte {
	if n == int64(int32(n)) {
		return binary.LittleEndian.AppendUint32(appendKey(dst, bson.TypeInt32, key), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(appendKey(dst, bson.TypeInt64, key), uint64(n))
}

func appendDouble(dst []byte, key string, f float64) []byte {
	return binary.LittleEndian.AppendUint64(appendKey(dst, bson.TypeDouble, key), math.Float64bits(f))
}

func appendBool(dst []byte, key string, value bool) []byte {
	dst = appendKey(dst, bson.TypeBoolean, key)
	if value {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// beginDocument appends room for the length of a document. endDocument gets the
// index at which the document begins.
func beginDocument(dst []byte) []byte { return append(dst, 0, 0, 0, 0) }

func endDocument(dst []byte, start int) []byte {
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// indexKeys are the keys of the first elements of an array.
var indexKeys = func() (keys [64]string) {
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	return keys
}()

func indexKey(i int) string {
	if i < len(indexKeys) {
		return indexKeys[i]
	}
	return strconv.Itoa(i)
}

// An element is one element of a document or an array.
type element struct {
	kind  bson.Type
	key   string
	value []byte
}

var errBSON = errors.New("the document is not valid BSON")

// elements returns the elements of a document: its bytes without the length at the
// beginning and the zero at the end.
func elements(document []byte) ([]byte, error) {
	if len(document) < 5 || uint64(binary.LittleEndian.Uint32(document)) != uint64(len(document)) || document[len(document)-1] != 0 {
		return nil, errBSON
	}
	return document[4 : len(document)-1], nil
}

// nextElement returns the first element and the rest. The value shares memory with
// the document.
func nextElement(text []byte) (e element, rest []byte, err error) {
	end := 1
	for end < len(text) && text[end] != 0 {
		end++
	}
	if end >= len(text) {
		return e, nil, errBSON
	}
	e.kind, e.key = bson.Type(text[0]), keyText(text[1:end])
	text = text[end+1:]
	size := valueSize(e.kind, text)
	if size < 0 || size > len(text) {
		return e, nil, errBSON
	}
	e.value = text[:size]
	return e, text[size:], nil
}

// keyText returns a key. It copies nothing for a usual one.
func keyText(key []byte) string {
	for _, usual := range usualKeys {
		if string(key) == usual {
			return usual
		}
	}
	return string(key)
}

// usualKeys are the keys that nearly all documents have.
var usualKeys = []string{
	keyID, keyName, keyBaseID, keyTraceID, keyParentID, keyTimestamp, keyInfo, keyProject, keyService,
	"host", "request", "path", "query", "method", "scheme", "db", "statement", "params", "function", "args", "kwargs", "result",
}

// fixedSizes are the sizes of the types whose values always have the same size.
var fixedSizes = map[bson.Type]int{
	bson.TypeDouble: 8, bson.TypeUndefined: 0, bson.TypeObjectID: 12, bson.TypeBoolean: 1, bson.TypeDateTime: 8, bson.TypeNull: 0,
	bson.TypeInt32: 4, bson.TypeTimestamp: 8, bson.TypeInt64: 8, bson.TypeDecimal128: 16, bson.TypeMinKey: 0, bson.TypeMaxKey: 0,
}

// valueSize returns the size of the value at the beginning of a text, or -1.
func valueSize(kind bson.Type, text []byte) int {
	length := func() int {
		if len(text) < 4 {
			return math.MaxInt32
		}
		return int(int32(binary.LittleEndian.Uint32(text)))
	}
	least := func(size, least int) int {
		if size < least {
			return -1
		}
		return size
	}
	switch kind {
	case bson.TypeString, bson.TypeJavaScript, bson.TypeSymbol:
		return least(4+length(), 5)
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return least(length(), 5)
	case bson.TypeBinary:
		return least(5+length(), 5)
	case bson.TypeDBPointer:
		return least(4+length()+12, 17)
	case bson.TypeCodeWithScope:
		return least(length(), 14)
	case bson.TypeRegex:
		pattern := strings.IndexByte(string(text), 0)
		options := strings.IndexByte(string(text[pattern+1:]), 0)
		if pattern < 0 || options < 0 {
			return -1
		}
		return pattern + options + 2
	}
	size, known := fixedSizes[kind]
	if !known {
		return -1
	}
	return size
}

// text returns the text of a string value.
func (e *element) text() string { return string(e.value[4 : len(e.value)-1]) }

// raw returns the value for the client library.
func (e *element) raw() bson.RawValue { return bson.RawValue{Type: e.kind, Value: e.value} }
