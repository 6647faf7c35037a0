package mongo

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// mostLevels is how deep a document is nested at most. The servers allow 100 in
// their documentation.
const mostLevels = 90

// An infoEncoder writes JSON as BSON. It writes each value in the nearest form
// that every server takes and that Python can read.
type infoEncoder struct {
	json   string
	dst    []byte
	unsafe bool // a key was changed or was repeated, or a number is not one that servers accept
}

// encodeInfo appends an element with an info, which is valid JSON. exact is true if
// the element becomes the same text again, apart from its spelling, and if every
// server takes the document.
func encodeInfo(dst []byte, key, info string) (_ []byte, exact bool) {
	if info == "" {
		info = "{}"
	}
	e := infoEncoder{json: info, dst: dst}
	start := len(dst)
	e.value(key, pyjson.SkipSpace(info, 0), 1)
	if e.unsafe {
		return e.dst, false
	}
	written, _, err := nextElement(e.dst[start:])
	if err != nil {
		return e.dst, false
	}
	return e.dst, sameInfo(&written, info)
}

// value appends the value that starts at index i, and returns its end.
func (e *infoEncoder) value(key string, i, level int) (end int) {
	switch c := e.json[i]; {
	case (c == '{' || c == '[') && level >= mostLevels:
		end = e.end(i)
		e.dst = appendString(e.dst, key, valid(e.json[i:end]))
		e.unsafe = true
		return end
	case c == '{':
		return e.object(key, i, level)
	case c == '[':
		return e.array(key, i, level)
	}
	end = e.end(i)
	e.scalar(key, e.json[i:end])
	return end
}

// end returns the end of the value at index i.
func (e *infoEncoder) end(i int) int {
	end, err := pyjson.End(e.json, i)
	if err != nil { // not in a valid info
		e.unsafe = true
		return len(e.json)
	}
	return end
}

func (e *infoEncoder) scalar(key, raw string) {
	switch raw[0] {
	case '"':
		e.dst = appendString(e.dst, key, valid(pyjson.Unquote(raw)))
	case 't', 'f':
		e.dst = appendBool(e.dst, key, raw[0] == 't')
	case 'n':
		e.dst = appendKey(e.dst, bson.TypeNull, key)
	default:
		e.number(key, raw)
	}
}

// number appends an integer of at most 64 bits or a finite float as such, a
// larger integer as a float, and any other number as a string.
func (e *infoEncoder) number(key, raw string) {
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		e.dst = appendInt(e.dst, key, n)
		return
	}
	f, _ := strconv.ParseFloat(raw, 64)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.unsafe = true
		e.dst = appendString(e.dst, key, raw)
		return
	}
	if f == 0 && math.Signbit(f) {
		e.unsafe = true // FerretDB drops the sign
	}
	e.dst = appendDouble(e.dst, key, f)
}

// next skips white space and a comma before an element. At the end of the object or
// array, more is false and i is behind the end.
func (e *infoEncoder) next(i int) (_ int, more bool) {
	i = pyjson.SkipSpace(e.json, i)
	if i < len(e.json) && e.json[i] == ',' {
		i = pyjson.SkipSpace(e.json, i+1)
	}
	if i >= len(e.json) || e.json[i] == ']' || e.json[i] == '}' {
		return min(i+1, len(e.json)), false
	}
	return i, true
}

func (e *infoEncoder) array(key string, i, level int) (end int) {
	e.dst = appendKey(e.dst, bson.TypeArray, key)
	start := len(e.dst)
	e.dst = beginDocument(e.dst)
	i, more := e.next(i + 1)
	for n := 0; more; n++ {
		i, more = e.next(e.value(indexKey(n), i, level+1))
	}
	e.dst = endDocument(e.dst, start)
	return i
}

func (e *infoEncoder) object(key string, i, level int) (end int) {
	e.dst = appendKey(e.dst, bson.TypeEmbeddedDocument, key)
	start := len(e.dst)
	e.dst = beginDocument(e.dst)
	var m members
	m.keys, m.starts = m.fewKeys[:0], m.fewStarts[:0]
	i, more := e.next(i + 1)
	for more {
		keyEnd := e.end(i)
		member := e.key(e.json[i:keyEnd])
		i = pyjson.SkipSpace(e.json, keyEnd)
		i = pyjson.SkipSpace(e.json, min(i+1, len(e.json))) // behind the colon
		if i >= len(e.json) {
			e.unsafe = true
			break
		}
		m.add(member, len(e.dst))
		i, more = e.next(e.value(member, i, level+1))
	}
	if m.repeated {
		e.unsafe = true
		e.dst = m.withoutRepeated(e.dst)
	}
	e.dst = endDocument(e.dst, start)
	return i
}

// members are the keys of an object, and where their elements begin.
type members struct {
	keys     []string
	starts   []int
	index    map[string]bool // of many keys
	repeated bool

	// The first keys need no memory of their own.
	fewKeys   [8]string
	fewStarts [8]int
}

func (m *members) add(key string, start int) {
	m.repeated = m.repeated || m.has(key)
	m.keys, m.starts = append(m.keys, key), append(m.starts, start)
}

// withoutRepeated removes each element whose key is repeated later, because the last one
// counts.
func (m *members) withoutRepeated(dst []byte) []byte {
	last := make(map[string]int, len(m.keys))
	for i, key := range m.keys {
		last[key] = i
	}
	end := m.starts[0]
	for i, key := range m.keys {
		next := len(dst)
		if i+1 < len(m.starts) {
			next = m.starts[i+1]
		}
		if last[key] == i {
			end += copy(dst[end:], dst[m.starts[i]:next])
		}
	}
	return dst[:end]
}

// fewKeys is how many keys are compared one by one.
const fewKeys = 16

// has reports whether the key was added before.
func (m *members) has(key string) bool {
	if len(m.keys) < fewKeys {
		return slices.Contains(m.keys, key)
	}
	if m.index == nil {
		m.index = make(map[string]bool, 4*fewKeys)
		for _, k := range m.keys {
			m.index[k] = true
		}
	}
	was := m.index[key]
	m.index[key] = true
	return was
}

// key returns a key that every server and every version of pymongo accepts. The
// characters that replace a dot and a dollar are those that MongoDB's
// documentation names.
func (e *infoEncoder) key(raw string) string {
	key := ""
	if len(raw) >= 2 && raw[0] == '"' {
		key = pyjson.Unquote(raw)
	}
	if key != "" && key[0] != '$' && !strings.ContainsAny(key, ".\x00") && utf8.ValidString(key) {
		return key
	}
	e.unsafe = true
	if key == "" {
		return "_"
	}
	if key[0] == '$' {
		key = "\uFF04" + key[1:]
	}
	return strings.NewReplacer(".", "\uFF0E", "\x00", "\uFFFD").Replace(valid(key))
}

// valid replaces what is not UTF-8, such as lone surrogates.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
