package driver

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// hexByte returns the byte that two hexadecimal digits represent.
func hexByte(digits string) (c byte, ok bool) {
	n, err := strconv.ParseUint(digits, 16, 8)
	return byte(n), err == nil
}

// withoutPercent returns a text without percent-encoding. All other characters stay.
func withoutPercent(text string) string {
	if strings.IndexByte(text, '%') < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, ok := hexByte(text[i+1 : i+3]); ok {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// plainEscapes are the one-letter escapes of JSON and of Python.
var plainEscapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', '0': 0, '\\': '\\', '"': '"', '\'': '\'', '/': '/',
}

// withoutEscapes returns a text without the escapes of JSON and of Python. Other backslashes
// stay.
func withoutEscapes(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		next := text[i+1]
		if c, ok := plainEscapes[next]; ok {
			b.WriteByte(c)
			i++
			continue
		}
		if r, length, ok := codeOf(text[i+1:]); ok {
			b.WriteRune(r)
			i += length
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// codeOf returns the character of a numeric escape, which is given without its backslash.
func codeOf(escape string) (r rune, length int, ok bool) {
	switch escape[0] {
	case 'u':
		length = 5
	case 'x':
		length = 3
	default:
		return 0, 0, false
	}
	if len(escape) < length {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(escape[1:length], 16, 32)
	if err != nil {
		return 0, 0, false
	}
	r = rune(n)
	if rest := escape[length:]; utf16.IsSurrogate(r) && strings.HasPrefix(rest, `\u`) && len(rest) >= 6 {
		low, err := strconv.ParseUint(rest[2:6], 16, 32)
		if pair := utf16.DecodeRune(r, rune(low)); err == nil && pair != utf8.RuneError {
			return pair, length + 6, true
		}
	}
	return r, length, true
}
