package pyjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote returns the text of a valid raw string. It copies nothing if the
// string has no escapes.
//
// Python strings may hold lone surrogates, which UTF-8 cannot represent. Unquote
// returns a lone surrogate as its three bytes in WTF-8, and AppendString writes
// these bytes back as an escape.
func Unquote(raw string) string {
	body := raw[1 : len(raw)-1]
	first := strings.IndexByte(body, '\\')
	if first < 0 {
		return body
	}
	out := make([]byte, first, len(body))
	copy(out, body)
	for i := first; i < len(body); {
		if body[i] != '\\' {
			plain := strings.IndexByte(body[i:], '\\')
			if plain < 0 {
				plain = len(body) - i
			}
			out = append(out, body[i:i+plain]...)
			i += plain
			continue
		}
		if body[i+1] != 'u' {
			out = append(out, unescaped(body[i+1]))
			i += 2
			continue
		}
		r, _ := hex4(body[i+2 : i+6])
		i += 6
		if utf16.IsSurrogate(r) {
			if i+6 <= len(body) && body[i] == '\\' && body[i+1] == 'u' {
				low, _ := hex4(body[i+2 : i+6])
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					out = utf8.AppendRune(out, pair)
					i += 6
					continue
				}
			}
			out = append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0xBF, 0x80|byte(r)&0xBF)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// Normal returns the text that Unquote returns after AppendString wrote s. Bytes
// that are not UTF-8 become U+FFFD, and a pair of surrogates becomes its
// character. A lone surrogate in the three bytes of Unquote stays.
func Normal(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return Unquote(string(AppendString(nil, s)))
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func hex4(s string) (r rune, ok bool) {
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

const hexDigits = "0123456789abcdef"

// verbatim holds the bytes that json.dumps copies: printable ASCII except the
// quote and the backslash.
var verbatim = func() (t [256]bool) {
	for c := 0x20; c < 0x7F; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// AppendString appends s as json.dumps writes it, quotes included.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped appends s as AppendString does, without the quotes.
func AppendEscaped[T string | []byte](dst []byte, s T) []byte {
	start := 0
	for i := VerbatimEnd(s, 0); i < len(s); i = VerbatimEnd(s, i) {
		c := s[i]
		dst = append(dst, s[start:i]...)
		if c < utf8.RuneSelf {
			dst = appendEscapedASCII(dst, c)
			i++
		} else {
			r, size := decodeRune(s, i)
			dst = appendEscapedRune(dst, r)
			i += size
		}
		start = i
	}
	return append(dst, s[start:]...)
}

func appendEscapedASCII(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return appendEscape(dst, rune(c))
}

func appendEscapedRune(dst []byte, r rune) []byte {
	if r >= 0x10000 {
		high, low := utf16.EncodeRune(r)
		return appendEscape(appendEscape(dst, high), low)
	}
	return appendEscape(dst, r)
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&0xF], hexDigits[r>>8&0xF], hexDigits[r>>4&0xF], hexDigits[r&0xF])
}

// VerbatimEnd returns the index of the first byte from s[i] on that json.dumps
// has to escape, or len(s) if there is none.
func VerbatimEnd[T string | []byte](s T, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if marks := escaped(eight(s, i)); marks != 0 {
			return i + first(marks)
		}
	}
	for i < len(s) && verbatim[s[i]] {
		i++
	}
	return i
}

// decodeRune decodes the rune at s[i], including a surrogate in three bytes.
func decodeRune[T string | []byte](s T, i int) (r rune, size int) {
	if s[i] == 0xED && i+2 < len(s) && s[i+1] >= 0xA0 && s[i+1] <= 0xBF && s[i+2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), 3
	}
	var window [utf8.UTFMax]byte
	n := copy(window[:], s[i:])
	return utf8.DecodeRune(window[:n])
}

// AppendStringUTF8 appends s as a JSON string in UTF-8. It escapes only the
// quote, the backslash, control characters below U+0020 and lone surrogates.
// Bytes that are not UTF-8 become U+FFFD.
func AppendStringUTF8(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plain[c] {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, size = decodeRune(s, i); r != utf8.RuneError && !utf16.IsSurrogate(r) {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c < utf8.RuneSelf:
			dst = appendEscapedASCII(dst, c)
		case r == utf8.RuneError:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = appendEscape(dst, r)
		}
		i += size
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
