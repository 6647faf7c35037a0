package osprofiler

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// UUID is the sixteen bytes of an id.
type UUID [16]byte

// NewID returns a new id of the kind that OSProfiler generates: a random UUID
// (version 4), lower-case and dashed.
func NewID() string {
	var u UUID
	_, _ = rand.Read(u[:]) // never fails: crypto/rand ends the program instead
	u[6] = u[6]&0x0F | 0x40
	u[8] = u[8]&0x3F | 0x80
	return u.String()
}

// String returns the canonical form: lower-case and dashed.
func (u UUID) String() string {
	var room [36]byte
	return string(u.Append(room[:0]))
}

// Append appends the canonical form to dst.
func (u UUID) Append(dst []byte) []byte {
	dst = hex.AppendEncode(dst, u[:4])
	dst = hex.AppendEncode(append(dst, '-'), u[4:6])
	dst = hex.AppendEncode(append(dst, '-'), u[6:8])
	dst = hex.AppendEncode(append(dst, '-'), u[8:10])
	return hex.AppendEncode(append(dst, '-'), u[10:])
}

// ParseUUID parses the forms that Python's uuid.UUID accepts: 32 hexadecimal digits in any
// case, with dashes anywhere, in braces, with urn: and uuid: before them. Python's int() also
// accepts a sign, 0x, underscores, blanks and digits of other scripts among these digits.
// ParseUUID does not.
func ParseUUID(text string) (u UUID, ok bool) {
	if u, ok = parseDashed(text); ok {
		return u, true
	}
	if len(text) != 32 {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "urn:", ""), "uuid:", "")
		text = strings.ReplaceAll(strings.Trim(text, "{}"), "-", "")
		if len(text) != 32 {
			return u, false
		}
	}
	for i := range u {
		high, low := hexValue[text[2*i]], hexValue[text[2*i+1]]
		if high|low > 0xF {
			return UUID{}, false
		}
		u[i] = high<<4 | low
	}
	return u, true
}

// parseDashed parses the canonical form in any case. Nearly all ids have this form.
func parseDashed(text string) (u UUID, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return UUID{}, false
	}
	for i, at := range [len(u)]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		high, low := hexValue[text[at]], hexValue[text[at+1]]
		if high|low > 0xF {
			return UUID{}, false
		}
		u[i] = high<<4 | low
	}
	return u, true
}

var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// UUIDOf returns the sixteen bytes for the text of an id. If the text is a UUID ([ParseUUID]),
// they are its bytes. Otherwise they are the first sixteen bytes of the SHA-256 of the text.
// The same text always has the same bytes, so that the start and the stop of an operation stay
// together. The Python library instead generates a random UUID for each.
func UUIDOf(id string) UUID {
	if u, ok := ParseUUID(id); ok {
		return u
	}
	return hashed(id)
}

func hashed(id string) UUID {
	sum := sha256.Sum256([]byte(id))
	return UUID(sum[:16])
}

// TraceIDOf returns the OTel trace id for a base id: the same sixteen bytes
// ([UUIDOf]). The text of an all-zero UUID is hashed instead, because OTel does
// not allow an all-zero trace id.
func TraceIDOf(baseID string) [16]byte {
	u := UUIDOf(baseID)
	if u == (UUID{}) {
		u = hashed(baseID)
	}
	return u
}

// SpanIDOf returns the OTel span id for OSProfiler's trace_id or parent_id: the
// low 64 bits, which Python's OTLP and Jaeger drivers use too. If these are zero,
// the text is hashed instead, because OTel does not allow an all-zero span id.
func SpanIDOf(id string) (spanID [8]byte) {
	u := UUIDOf(id)
	if [8]byte(u[8:]) == ([8]byte{}) {
		u = hashed(id)
	}
	return [8]byte(u[8:])
}

// BaseIDOf returns the base id for an OTel trace id: its canonical UUID.
func BaseIDOf(traceID [16]byte) string { return UUID(traceID).String() }

// IDOf returns OSProfiler's trace_id for an OTel span: the UUID whose high half
// is that of the trace id, and whose low half is the span id. Every process that
// knows both ids derives the same text.
func IDOf(traceID [16]byte, spanID [8]byte) string { return joined(traceID, spanID).String() }

func joined(traceID [16]byte, spanID [8]byte) (u UUID) {
	copy(u[:8], traceID[:8])
	copy(u[8:], spanID[:])
	return u
}
