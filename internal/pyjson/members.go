package pyjson

import (
	"iter"
	"strings"
)

// Members yields the members of a valid JSON object in order: the decoded key
// and the raw value. A repeated key is yielded each time. Members yields nothing
// if the value is not an object. White space may precede the object.
func Members(object string) iter.Seq2[string, string] {
	object = object[SkipSpace(object, 0):]
	return func(yield func(string, string) bool) {
		if KindOf(object) != Object {
			return
		}
		i := SkipSpace(object, 1)
		for i < len(object) && object[i] == '"' {
			keyStop, value, err := keyEnd(object, i)
			if err != nil {
				return
			}
			valueStop, err := End(object, value)
			if err != nil || !yield(Unquote(object[i:keyStop]), object[value:valueStop]) {
				return
			}
			i = SkipSpace(object, valueStop)
			if i < len(object) && object[i] == ',' {
				i = SkipSpace(object, i+1)
			}
		}
	}
}

// Elements yields the raw elements of a valid JSON array in order. It yields
// nothing if the value is not an array.
func Elements(array string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if KindOf(array) != Array {
			return
		}
		i := SkipSpace(array, 1)
		for i < len(array) && array[i] != ']' {
			stop, err := End(array, i)
			if err != nil || !yield(array[i:stop]) {
				return
			}
			i = SkipSpace(array, stop)
			if i < len(array) && array[i] == ',' {
				i = SkipSpace(array, i+1)
			}
		}
	}
}

// Get returns the raw value of a member of a valid JSON object. The last of
// several members with one key counts, as in Python.
func Get(object, key string) (raw string, ok bool) {
	if raw, ok = lastText(object, key); ok {
		return raw, true
	}
	if !strings.Contains(object, key) && strings.IndexByte(object, '\\') < 0 { // keys may be escaped
		return "", false
	}
	for k, v := range Members(object) {
		if k == key {
			raw, ok = v, true
		}
	}
	return raw, ok
}

// lastText is a fast path of Get. It finds a member if it is the last one and a
// string without escapes, as "host" is in the info that Python writes.
func lastText(object, key string) (raw string, ok bool) {
	body, ok := strings.CutSuffix(object, `"}`)
	if !ok {
		return "", false
	}
	quote := max(strings.LastIndexByte(body, '"'), 0)
	before, ok := strings.CutSuffix(body[:quote], `": `)
	if !ok || strings.IndexByte(body[quote:], '\\') >= 0 || strings.IndexByte(key, '\\') >= 0 {
		return "", false
	}
	// A quote after a blank or the brace begins the name. A quote within the name
	// would be escaped and so follow a backslash.
	before, ok = strings.CutSuffix(before, key)
	if !ok || !strings.HasSuffix(before, ` "`) && before != `{"` {
		return "", false
	}
	return object[quote : len(object)-1], true
}

// Text returns the text of a raw string. ok is false for any other kind.
func Text(raw string) (text string, ok bool) {
	if KindOf(raw) != String {
		return "", false
	}
	return Unquote(raw), true
}
