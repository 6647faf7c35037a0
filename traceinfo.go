package osprofiler

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // upstream's wire format: HMAC-SHA1, which is not broken as SHA-1 is
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// The HTTP headers that carry a signed [TraceInfo].
const (
	HeaderTraceInfo = "X-Trace-Info"
	HeaderTraceHMAC = "X-Trace-HMAC"
)

// TraceInfo is what one service tells the next about the trace it is to join.
type TraceInfo struct {
	BaseID   string // of the trace
	ParentID string // the id of the caller's current operation
}

// Pack writes the trace info for X-Trace-Info and signs it for X-Trace-HMAC:
// URL-safe base64 of JSON, and the lower-case hexadecimal HMAC-SHA1 of that text.
// The empty key signs nothing: mac is empty then. So it is for a key of only
// blanks, invisible characters and quotation marks, see [ParseKeys].
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

// Errors of [UnpackTraceInfo].
var (
	// ErrUnsigned: a header or the keys are missing, or no key gives this signature.
	ErrUnsigned = errors.New("the trace info is not signed with one of the HMAC keys")
	// ErrBadTraceInfo: the signature is right, what it signs is no trace info.
	ErrBadTraceInfo = errors.New("the signed trace info should be base64 of a JSON object with base_id and, if any, parent_id")
)

// UnpackTraceInfo reads the two headers, trying the keys in order, and returns
// the key that verified besides: it also signs what goes on from here. It
// accepts exactly what upstream's middleware does: blanks around mac; base64
// of either alphabet with foreign characters in between, but with its padding;
// a missing, null or empty parent_id, which makes base_id the parent; an empty
// base_id, which makes a new one; numbers for ids, here as their digits.
// A non-ASCII mac, on which upstream raises, is [ErrUnsigned].
func UnpackTraceInfo(info, mac string, keys []string) (t TraceInfo, key string, err error) {
	mac = strings.TrimSpace(mac)
	if info == "" || mac == "" {
		return t, "", ErrUnsigned
	}
	key, ok := verify(info, mac, keys)
	if !ok {
		return t, "", ErrUnsigned
	}
	text, ok := decodeBase64(info)
	if !ok || !utf8.ValidString(text) {
		return t, "", ErrBadTraceInfo
	}
	raw, err := pyjson.One(text)
	if err != nil || pyjson.KindOf(raw) != pyjson.Object {
		return t, "", ErrBadTraceInfo
	}
	hasBase := false
	for k, v := range pyjson.Members(raw) {
		switch k {
		case keyBaseID:
			t.BaseID, hasBase = truthy(v), true
		case keyParentID:
			t.ParentID = truthy(v)
		case "hmac_key": // taken and ignored, as upstream overwrites it
		default:
			return TraceInfo{}, "", ErrBadTraceInfo
		}
	}
	if !hasBase {
		return TraceInfo{}, "", ErrBadTraceInfo
	}
	if t.BaseID == "" {
		t.BaseID = NewID()
	}
	if t.ParentID == "" {
		t.ParentID = t.BaseID
	}
	return t, key, nil
}

// verify finds the key that gives the signature. Every key is tried, and each
// compared in constant time, so that the time taken tells nothing. A key that
// anybody knows because it says nothing verifies nothing: see isKey.
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

// truthy gives the text of an id, empty for what Python takes for false: null,
// false, zero in any notation and whatever is empty.
func truthy(raw string) string {
	switch pyjson.KindOf(raw) {
	case pyjson.Bool:
		if raw == "false" {
			return ""
		}
	case pyjson.Number:
		mantissa, _, _ := strings.Cut(strings.ToLower(raw), "e")
		if strings.Trim(mantissa, "-0.") == "" {
			return ""
		}
	case pyjson.Array, pyjson.Object:
		if pyjson.SkipSpace(raw, 1) == len(raw)-1 {
			return ""
		}
	}
	return textOf(raw)
}

// decodeBase64 decodes as Python's urlsafe_b64decode does: both alphabets,
// foreign ASCII characters skipped, the end at the first complete padding.
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
