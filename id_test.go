package osprofiler_test

import (
	"encoding/binary"
	"encoding/json"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

// idCase is one input of upstream's id functions, with their results.
type idCase struct {
	Input        any    `json:"input"`
	ShortenID    any    `json:"shorten_id"`         // decimal
	GetShortenID any    `json:"get_shorten_id"`     // hexadecimal, no leading zeros
	Int128       any    `json:"uuid_to_int128"`     // decimal
	Int128Hex    string `json:"uuid_to_int128_hex"` // hexadecimal, no leading zeros
	Random       bool   `json:"replaced_by_a_random_uuid"`
}

// Ids that are UUIDs give the same numbers as upstream's functions. There are two intended
// differences. For a text that is not a UUID, upstream draws a random id, and ours is always
// the same. If the 64 or 128 bits are all zero, which OTel does not allow, ours are those of
// the text's hash. Upstream's inputs that are not strings cannot occur, because ids are texts
// here.
func TestIDsAgainstUpstream(t *testing.T) {
	text, err := os.ReadFile("testdata/ids.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []idCase }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	texts := 0
	for _, c := range golden.Cases {
		id, isText := c.Input.(string)
		if !isText {
			continue
		}
		texts++
		t.Run(id, func(t *testing.T) { checkID(t, id, c) })
	}
	if texts != 11 {
		t.Errorf("saw %d texts, want 11", texts)
	}
}

func checkID(t *testing.T, id string, c idCase) {
	u, ok := osprofiler.ParseUUID(id)
	if ok == c.Random {
		t.Fatalf("ParseUUID says %v", ok)
	}
	traceID, spanID := osprofiler.TraceIDOf(id), osprofiler.SpanIDOf(id)
	if traceID == ([16]byte{}) || spanID == ([8]byte{}) {
		t.Error("an id must not be all zero")
	}
	if c.Random {
		if osprofiler.UUIDOf(id) != osprofiler.UUIDOf(strings.Clone(id)) || traceID != osprofiler.UUIDOf(id) ||
			osprofiler.UUIDOf(id) == osprofiler.UUIDOf(id+"x") {
			t.Error("the same text should always give the same id, another text another")
		}
		return
	}
	low := binary.BigEndian.Uint64(u[8:])
	if strconv.FormatUint(low, 10) != c.ShortenID || strconv.FormatUint(low, 16) != c.GetShortenID {
		t.Errorf("low half %d %x, upstream has %v %v", low, low, c.ShortenID, c.GetShortenID)
	}
	whole := new(big.Int).SetBytes(u[:])
	if whole.String() != c.Int128 || whole.Text(16) != c.Int128Hex {
		t.Errorf("all of it %v, upstream has %v", whole, c.Int128)
	}
	if low != 0 && binary.BigEndian.Uint64(spanID[:]) != low {
		t.Errorf("span id %x", spanID)
	}
	if whole.Sign() != 0 && traceID != u {
		t.Errorf("trace id %x", traceID)
	}
}

func TestParseUUID(t *testing.T) {
	const canonical = "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01"
	const digits = "bd1f8a526c3e4f5f9c0a3c9c6d2e1a01"
	for _, text := range []string{
		canonical, digits, "BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A01", "Bd1f8A526c3E4f5f9c0a3c9c6d2e1a01",
		"{" + canonical + "}", "{{" + digits, digits + "}", "urn:uuid:" + canonical, "uuid:" + digits, "urn:" + canonical,
		"uuid:urn:uuid:" + digits, "{urn:uuid:" + canonical + "}", "urn:{uuid:" + digits, "uurn:uid:" + digits,
		"-" + digits + "-", "bd1f8a526-c3e4-f5f9-c0a3-c9c6d2e1a01", "b-d-1-f8a526c3e4f5f9c0a3c9c6d2e1a01",
	} {
		u, ok := osprofiler.ParseUUID(text)
		if !ok || u.String() != canonical {
			t.Errorf("ParseUUID(%q) = %v, %v", text, u, ok)
		}
		if got := string(u.Append([]byte("x"))); got != "x"+canonical {
			t.Errorf("AppendText: %q", got)
		}
	}
	for _, text := range []string{
		"", "-", "{}", "not-a-uuid", canonical[1:], canonical + "0", digits[1:], digits + "0",
		"g" + digits[1:], "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a0g", "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a-1",
		"URN:UUID:" + canonical, "[" + canonical + "]", " " + canonical, canonical + "\n", "{" + digits[2:] + "}",
		// Python's int() would read a number from these texts.
		"0x" + digits[2:], "+" + digits[1:], "bd_" + digits[3:], " " + digits[1:], strings.Repeat("１", 32),
	} {
		if u, ok := osprofiler.ParseUUID(text); ok || u != (osprofiler.UUID{}) {
			t.Errorf("ParseUUID(%q) = %v, %v", text, u, ok)
		}
	}
}

func TestIDsOfZeros(t *testing.T) {
	const zero, other = "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"
	if osprofiler.UUIDOf(zero) != (osprofiler.UUID{}) {
		t.Error("the zero UUID is a UUID")
	}
	if osprofiler.TraceIDOf(zero) == ([16]byte{}) || osprofiler.TraceIDOf(zero) == osprofiler.TraceIDOf(other) {
		t.Error("OTel allows no zero trace id, and two texts should give two")
	}
	const halfZero = "bd1f8a52-6c3e-4f5f-0000-000000000000"
	if osprofiler.SpanIDOf(halfZero) == ([8]byte{}) || osprofiler.SpanIDOf(halfZero) != osprofiler.SpanIDOf(strings.Clone(halfZero)) {
		t.Error("OTel allows no zero span id, and one text should give one")
	}
	if u, _ := osprofiler.ParseUUID(halfZero); osprofiler.TraceIDOf(halfZero) != u {
		t.Error("a zero half is no reason to hash the trace id")
	}
}

func TestNewID(t *testing.T) {
	canonical := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := osprofiler.NewID()
		if !canonical.MatchString(id) || seen[id] {
			t.Fatalf("NewID gave %q (before: %v)", id, seen[id])
		}
		seen[id] = true
	}
}

func TestIDsThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var traceID [16]byte
		var spanID [8]byte
		copy(traceID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace id"))
		copy(spanID[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span id"))
		base, id := osprofiler.BaseIDOf(traceID), osprofiler.IDOf(traceID, spanID)
		if traceID != ([16]byte{}) && osprofiler.TraceIDOf(base) != traceID {
			t.Fatalf("%x -> %s -> %x", traceID, base, osprofiler.TraceIDOf(base))
		}
		if spanID != ([8]byte{}) && osprofiler.SpanIDOf(id) != spanID {
			t.Fatalf("%x -> %s -> %x", spanID, id, osprofiler.SpanIDOf(id))
		}
		if id[:18] != base[:18] {
			t.Fatalf("%s should begin as %s", id, base)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if osprofiler.TraceIDOf(text) != osprofiler.TraceIDOf(strings.Clone(text)) || osprofiler.TraceIDOf(text) == ([16]byte{}) ||
			osprofiler.SpanIDOf(text) == ([8]byte{}) {
			t.Fatalf("%q gives changing or zero ids", text)
		}
	})
}

// The fast path for the canonical form gives the same result as the general parser, which
// braces force.
func TestParseUUIDOfEitherWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte("bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01")
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[at] = rapid.SampledFrom([]byte("09afAFgG- _")).Draw(t, "byte")
		}
		a, okA := osprofiler.ParseUUID(string(text))
		b, okB := osprofiler.ParseUUID("{" + string(text) + "}")
		if okA != okB || a != b {
			t.Fatalf("%s: %v, %v; in braces: %v, %v", text, a, okA, b, okB)
		}
	})
}
