package osprofiler

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the wire format is HMAC-SHA1, which is not broken as SHA-1 is
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// The HTTP headers that carry a signed [TraceInfo].
const (
	HeaderTraceInfo = "X-Trace-Info"
	HeaderTraceHMAC = "X-Trace-HMAC"
)

// A TraceInfo names the trace that a service is to join. The caller of the service sends it.
type TraceInfo struct {
	BaseID   string // of the trace
	ParentID string // the id of the caller's current operation
}

// Pack returns the values of the headers. info, for X-Trace-Info, is the URL-safe base64 of
// JSON. mac, for X-Trace-HMAC, is the lower-case hexadecimal HMAC-SHA1 of info. mac is empty
// if the key may not sign. Such keys are the empty key, and a key of only blanks, invisible
// characters and quotation marks (see [ParseKeys]).
func (t TraceInfo) Pack(key string) (info, mac string) {
	s := signersPool.Get().(*signers)
	defer s.release()
	text := pyjson.AppendString(append(s.text[:0], `{"base_id": `...), t.BaseID)
	text = append(pyjson.AppendString(append(text, `, "parent_id": `...), t.ParentID), '}')
	end := len(text)
	text = base64.URLEncoding.AppendEncode(text, text)
	info = string(text[end:])
	if !isKey(key) {
		s.text = text
		return info, ""
	}
	s.text = hex.AppendEncode(text, s.sign(text[end:], key))
	return info, string(s.text[len(text):])
}

// These are the errors of [UnpackTraceInfo]. Each error that it returns is a [*HeaderError]
// that wraps one of them.
var (
	// ErrUnsigned says that a header or the keys are missing, or that none of the keys made
	// the signature.
	ErrUnsigned = errors.New("the trace info is not signed with one of the HMAC keys")
	// ErrBadTraceInfo says that the signature is right, but the text is not a trace info.
	ErrBadTraceInfo = errors.New("the signed trace info should be base64 of a JSON object with base_id and, if any, parent_id")
)

// A HeaderError says why the two headers of a request are not accepted. It shows
// neither a key nor the content of a header.
type HeaderError struct {
	// Reason is one of a fixed set of phrases, such as "none of the HMAC keys fits".
	Reason string
	// Err is ErrUnsigned or ErrBadTraceInfo.
	Err error
}

// Error implements error.
func (e *HeaderError) Error() string { return e.Err.Error() + ": " + e.Reason }

// Unwrap returns ErrUnsigned or ErrBadTraceInfo.
func (e *HeaderError) Unwrap() error { return e.Err }

// The errors of UnpackTraceInfo.
var (
	errNoTraceInfo  = &HeaderError{HeaderTraceInfo + " is missing", ErrUnsigned}
	errNoTraceHMAC  = &HeaderError{HeaderTraceHMAC + " is missing", ErrUnsigned}
	errNoKeys       = &HeaderError{"there are no HMAC keys", ErrUnsigned}
	errNoKeyFits    = &HeaderError{"none of the HMAC keys fits", ErrUnsigned}
	errNotBase64    = &HeaderError{HeaderTraceInfo + " is not base64 of UTF-8 text", ErrBadTraceInfo}
	errNotJSON      = &HeaderError{HeaderTraceInfo + " does not hold a JSON object", ErrBadTraceInfo}
	errOtherMembers = &HeaderError{HeaderTraceInfo + " should hold base_id and parent_id alone, as texts", ErrBadTraceInfo}
)

// UnpackTraceInfo verifies and parses the two headers. It tries the keys in order
// and returns the key that verified the signature, which is also the key to sign
// outgoing headers with.
//
// UnpackTraceInfo accepts everything that the middleware of the Python library accepts: blanks
// around mac; base64 of either alphabet, with other characters in between, but with its
// padding; a missing, null or empty parent_id, which is replaced by base_id; an empty base_id,
// which is replaced by a new one; numbers and true for ids, which become the text that
// Python's json.dumps writes.
//
// It differs from the Python library in two points. For a mac that is not ASCII, the library
// raises an exception, and UnpackTraceInfo returns [ErrUnsigned]. The library accepts an id
// that is a list or an object, which most of its drivers cannot write. For such an id
// UnpackTraceInfo returns [ErrBadTraceInfo].
func UnpackTraceInfo(info, mac string, keys []string) (t TraceInfo, key string, err error) {
	mac = strings.TrimSpace(mac)
	switch {
	case info == "":
		return t, "", errNoTraceInfo
	case mac == "":
		return t, "", errNoTraceHMAC
	case len(keys) == 0:
		return t, "", errNoKeys
	}
	key, ok := verify(info, mac, keys)
	if !ok {
		return t, "", errNoKeyFits
	}
	text, ok := decodeBase64(info)
	if !ok || !utf8.ValidString(text) {
		return t, "", errNotBase64
	}
	raw, err := pyjson.One(text)
	if err != nil || pyjson.KindOf(raw) != pyjson.Object {
		return t, "", errNotJSON
	}
	if t, ok = traceInfoOf(raw); !ok {
		return TraceInfo{}, "", errOtherMembers
	}
	return t, key, nil
}

// traceInfoOf reads the ids from a JSON object. If a member is repeated, the last one wins.
func traceInfoOf(object string) (t TraceInfo, ok bool) {
	base, parent := "", "null"
	for k, v := range pyjson.Members(object) {
		switch k {
		case keyBaseID:
			base = v
		case keyParentID:
			parent = v
		case "hmac_key": // ignored, because the Python library overwrites it
		default:
			return t, false
		}
	}
	if base == "" {
		return t, false
	}
	var baseOK, parentOK bool
	t.BaseID, baseOK = truthy(base)
	t.ParentID, parentOK = truthy(parent)
	if t.BaseID == "" {
		t.BaseID = NewID()
	}
	if t.ParentID == "" {
		t.ParentID = t.BaseID
	}
	return t, baseOK && parentOK
}

// verify returns the first key whose signature is mac. It tries every key and compares in
// constant time, so that its duration reveals nothing. It skips keys that may not sign
// (isKey).
func verify(info, mac string, keys []string) (key string, ok bool) {
	s := signersPool.Get().(*signers)
	defer s.release()
	s.text = append(append(s.text[:0], info...), mac...)
	text, given := s.text[:len(info)], s.text[len(info):]
	var want [2 * sha1.Size]byte
	for _, k := range keys {
		if !isKey(k) {
			continue
		}
		hex.Encode(want[:], s.sign(text, k))
		if hmac.Equal(want[:], given) && !ok {
			key, ok = k, true
		}
	}
	return key, ok
}

// mostDigits is the largest number of digits of an integer that Python's json parses.
const mostDigits = 4300

// truthy returns the text of an id. The text is empty for a value that is false in Python:
// null, false, zero in any notation, and anything empty. ok is false for a value that cannot
// be an id: a list, an object, or an integer that Python cannot parse.
func truthy(raw string) (text string, ok bool) {
	switch pyjson.KindOf(raw) {
	case pyjson.Bool:
		if raw == "false" {
			return "", true
		}
	case pyjson.Number:
		return numberText(raw)
	case pyjson.Array, pyjson.Object:
		return "", pyjson.SkipSpace(raw, 1) == len(raw)-1
	}
	return textOf(raw), true
}

// numberText returns a number in the form of json.dumps, so that the id equals the one in the
// notifications of Python services.
func numberText(raw string) (text string, ok bool) {
	if pyjson.TypeName(raw) == "int" {
		if strings.Trim(raw, "-0") == "" {
			return "", true
		}
		return raw, len(strings.TrimPrefix(raw, "-")) <= mostDigits
	}
	f, _ := strconv.ParseFloat(raw, 64) // infinity if the number is too large, as in Python
	if f == 0 {
		return "", true
	}
	return string(pyjson.AppendFloat(nil, f)), true
}

// decodeBase64 decodes base64 as Python's urlsafe_b64decode does: it accepts both
// alphabets, skips other ASCII characters, and ends at the first complete padding.
func decodeBase64(text string) (string, bool) {
	out := make([]byte, 0, len(text)/4*3)
	var bits uint32
	digits, pads := 0, 0
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf {
			return "", false
		}
		if c == '=' {
			if digits >= 2 {
				if pads++; digits+pads >= 4 {
					return string(out), true
				}
			}
			continue
		}
		v, ok := base64Value(c)
		if !ok {
			continue
		}
		pads = 0
		bits = bits<<6 | uint32(v)
		switch digits {
		case 1:
			out = append(out, byte(bits>>4))
		case 2:
			out = append(out, byte(bits>>2))
		case 3:
			out = append(out, byte(bits))
		}
		digits = (digits + 1) % 4
	}
	return string(out), digits == 0
}

func base64Value(c byte) (byte, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A', true
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26, true
	case '0' <= c && c <= '9':
		return c - '0' + 52, true
	case c == '-' || c == '+':
		return 62, true
	case c == '_' || c == '/':
		return 63, true
	}
	return 0, false
}
