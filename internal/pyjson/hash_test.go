package pyjson_test

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Sum accepts exactly the texts that One returns unchanged.
func TestSumAcceptsWhatOneAccepts(t *testing.T) {
	seed := maphash.MakeSeed()
	judge := func(fatalf func(string, ...any), text string) {
		raw, err := pyjson.One(text)
		if _, ok := pyjson.Sum(seed, text); ok != (err == nil && raw == text) {
			fatalf("Sum(%q) is ok: %v, One: %v", text, ok, err)
		}
	}
	for _, text := range []string{
		"", " ", "{", "}", "[", "[1", "[1,", "[,]", "[1,]", "[1 2]", "[1]]", "{}{}", "{,}", `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`,
		`{"a":1 "b":2}`, `{"a":1]`, "[1}", `{1:2}`, `{"a" 1}`, `"a`, `"\x"`, "tru", "nul", "01", "-", "1.", "1e", " 1", "1 ", "[ ]", "{ }",
		strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat("[", 101) + strings.Repeat("]", 101),
		strings.Repeat("[", 101) + strings.Repeat("]", 100), strings.Repeat("[", 1_000_000),
	} {
		judge(t.Errorf, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := raws(2).Draw(t, "text")
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		to := rapid.IntRange(from, len(text)).Draw(t, "to")
		judge(t.Fatalf, text)
		judge(t.Fatalf, text[from:to])
		judge(t.Fatalf, text[:from]+text[to:])
	})
}

// The last of several members with one key counts, also in large objects.
func TestSumOfRepeatedKeys(t *testing.T) {
	seed := maphash.MakeSeed()
	for _, members := range []int{1, 16, 17, 5000} {
		object := func(values ...int) string {
			var b strings.Builder
			for _, value := range values {
				for i := range members {
					fmt.Fprintf(&b, `, "%d": %d`, i, value*i)
				}
			}
			return "{" + b.String()[2:] + "}"
		}
		once, again, other := pyjson.Hash(seed, object(2)), pyjson.Hash(seed, object(3, 1, 2)), pyjson.Hash(seed, object(2, 3))
		if once != again || once == other && members > 1 {
			t.Errorf("%d members: %x %x %x", members, once, again, other)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	seed := maphash.MakeSeed()
	const info = `{"db": {"statement": "SELECT user.id FROM user WHERE user.name = %(name_1)s", "params": {"name_1": "x"}}, "host": "identity-1"}`
	b.SetBytes(int64(len(info)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := pyjson.Sum(seed, info); !ok {
			b.Fatal("no JSON")
		}
	}
}
