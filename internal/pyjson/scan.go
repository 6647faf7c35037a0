// Package pyjson reads and writes JSON as Python's json module does. It accepts
// NaN and Infinity, preserves the digits of numbers and lone surrogates, and
// quotes strings exactly as json.dumps does.
//
// Functions of this package take and return values as JSON text in a string,
// called a raw value. So a value whose parts are not needed is never parsed but
// copied byte for byte.
package pyjson

import (
	"fmt"
	"strings"
)

// A SyntaxError reports where and why a text is not valid JSON.
type SyntaxError struct {
	Offset int    // index of the offending byte, from 0
	Reason string // what is wrong with that byte
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Reason)
}

func syntaxError(offset int, reason string) error {
	return &SyntaxError{Offset: offset, Reason: reason}
}

const unexpectedEnd = "the text ends too early"

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of JSON values. NaN and the infinities are numbers.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// KindOf returns the kind of a raw value. It looks at the first byte only, which
// must not be white space.
func KindOf(raw string) Kind {
	if raw == "" {
		return Invalid
	}
	switch c := raw[0]; c {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	case '-', 'N', 'I':
		return Number
	default:
		if '0' <= c && c <= '9' {
			return Number
		}
		return Invalid
	}
}

// SkipSpace returns the index of the first byte from s[i] on that is not JSON
// white space.
func SkipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// One returns the single value that text holds, without the white space around
// it. Anything else in the text is a [SyntaxError].
func One(text string) (raw string, err error) {
	start := SkipSpace(text, 0)
	end, err := End(text, start)
	if err != nil {
		return "", err
	}
	if rest := SkipSpace(text, end); rest != len(text) {
		return "", syntaxError(rest, "more text follows the value")
	}
	return text[start:end], nil
}

// End checks the syntax of the value that starts at s[i] and returns the index
// after it. It does not recurse, so that deeply nested values cannot exhaust the
// stack.
func End(s string, i int) (int, error) {
	if i >= len(s) {
		return i, syntaxError(i, unexpectedEnd)
	}
	if c := s[i]; c != '{' && c != '[' {
		return scalarEnd(s, i)
	}
	return containerEnd(s, i)
}

// containerEnd is End for an array or object. Its stack, open, holds the opening
// bracket of each container around s[i].
func containerEnd(s string, i int) (int, error) {
	var room [64]byte
	open := append(room[:0], s[i])
	i = SkipSpace(s, i+1)
	if i < len(s) && closes(open[0], s[i]) {
		return i + 1, nil
	}
	for {
		// A member or an element starts at s[i].
		var err error
		if open[len(open)-1] == '{' {
			if _, i, err = keyEnd(s, i); err != nil {
				return i, err
			}
		}
		if i >= len(s) {
			return i, syntaxError(i, unexpectedEnd)
		}
		if c := s[i]; c == '{' || c == '[' {
			i = SkipSpace(s, i+1)
			if i >= len(s) || !closes(c, s[i]) {
				open = append(open, c)
				continue
			}
			i++
		} else if i, err = scalarEnd(s, i); err != nil {
			return i, err
		}
		// A value ended before s[i]. Skip closing brackets until a comma follows.
		for {
			i = SkipSpace(s, i)
			if i >= len(s) {
				return i, syntaxError(i, unexpectedEnd)
			}
			if s[i] == ',' {
				i = SkipSpace(s, i+1)
				break
			}
			if !closes(open[len(open)-1], s[i]) {
				return i, syntaxError(i, "a comma or a closing bracket should stand here")
			}
			i++
			open = open[:len(open)-1]
			if len(open) == 0 {
				return i, nil
			}
		}
	}
}

func closes(open, c byte) bool { return open == '{' && c == '}' || open == '[' && c == ']' }

// keyEnd skips the key and the colon of a member. It returns the index after the
// key and the index of the value. If there is an error, value is its index.
func keyEnd(s string, i int) (end, value int, err error) {
	if i >= len(s) {
		return i, i, syntaxError(i, unexpectedEnd)
	}
	if s[i] != '"' {
		return i, i, syntaxError(i, "a member's name in double quotes should stand here")
	}
	end, err = stringEnd(s, i)
	if err != nil {
		return end, end, err
	}
	i = SkipSpace(s, end)
	if i >= len(s) {
		return end, i, syntaxError(i, unexpectedEnd)
	}
	if s[i] != ':' {
		return end, i, syntaxError(i, "a colon should stand here")
	}
	return end, SkipSpace(s, i+1), nil
}

func scalarEnd(s string, i int) (int, error) {
	switch s[i] {
	case '"':
		return stringEnd(s, i)
	case 'n':
		return wordEnd(s, i, "null")
	case 't':
		return wordEnd(s, i, "true")
	case 'f':
		return wordEnd(s, i, "false")
	case 'N':
		return wordEnd(s, i, "NaN")
	case 'I':
		return wordEnd(s, i, "Infinity")
	}
	return numberEnd(s, i)
}

func wordEnd(s string, i int, word string) (int, error) {
	if strings.HasPrefix(s[i:], word) {
		return i + len(word), nil
	}
	return i, syntaxError(i, "no JSON value starts so")
}

func numberEnd(s string, i int) (int, error) {
	start := i
	if s[i] == '-' {
		i++
		if i < len(s) && s[i] == 'I' {
			return wordEnd(s, i, "Infinity")
		}
	}
	digits := digitsEnd(s, i)
	if digits == i {
		return start, syntaxError(start, "no JSON value starts so")
	}
	if s[i] == '0' && digits > i+1 {
		return start, syntaxError(start, "a number has a leading zero")
	}
	i = digits
	if i < len(s) && s[i] == '.' {
		if digits = digitsEnd(s, i+1); digits == i+1 {
			return i, syntaxError(i, "a number has no digit behind its point")
		}
		i = digits
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if digits = digitsEnd(s, i); digits == i {
			return i, syntaxError(i, "a number has no digit in its exponent")
		}
		i = digits
	}
	return i, nil
}

func digitsEnd(s string, i int) int {
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

// plain holds the bytes that need no escape in a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func stringEnd(s string, i int) (int, error) {
	for i = PlainEnd(s, i+1); i < len(s); i = PlainEnd(s, i) {
		switch s[i] {
		case '"':
			return i + 1, nil
		case '\\':
			if next := quotesEnd(s, i); next > i {
				i = next
				continue
			}
			n, err := escapeEnd(s, i)
			if err != nil {
				return i, err
			}
			i = n
		default:
			return i, syntaxError(i, "a control character stands unescaped in a string")
		}
	}
	return i, syntaxError(i, unexpectedEnd)
}

// quotesEnd skips escaped quotes and plain bytes, and stops before any other
// escape. It is a fast path, because JSON in a JSON string has many escaped quotes.
func quotesEnd(s string, i int) int {
	before := uint64(0) // marks the first byte if the byte before it is a backslash
	for ; i+8 <= len(s); i += 8 {
		x := eight(s, i)
		slashes, quotes := equalTo(x, '\\'), equalTo(x, '"')
		escaped := slashes<<8 | before
		if controls(x)|slashes&escaped|escaped&^quotes != 0 {
			break
		}
		if ends := quotes &^ escaped; ends != 0 {
			return i + first(ends)
		}
		before = slashes >> 56
	}
	return i - int(before>>7)
}

// PlainEnd returns the index of the first byte from s[i] on that is a quote, a
// backslash or a control character, or len(s) if there is none. All other bytes
// need no escape in a JSON string.
func PlainEnd(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if marks := special(eight(s, i)); marks != 0 {
			return i + first(marks)
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

func escapeEnd(s string, i int) (int, error) {
	if i+1 >= len(s) {
		return i, syntaxError(i, unexpectedEnd)
	}
	switch s[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		if i+6 > len(s) {
			return i, syntaxError(i, unexpectedEnd)
		}
		if _, ok := hex4(s[i+2 : i+6]); ok {
			return i + 6, nil
		}
		return i, syntaxError(i, `four hexadecimal digits should follow \u`)
	}
	return i, syntaxError(i, "no such escape sequence")
}
