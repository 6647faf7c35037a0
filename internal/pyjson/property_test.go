package pyjson_test

import (
	"encoding/json"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// raws generates JSON text of every shape: numbers of any size and notation,
// escapes, repeated keys, white space.
func raws(levels int) *rapid.Generator[string] {
	scalars := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{"null", "true", "false", "NaN", "Infinity", "-Infinity"}),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`),
		rapid.StringMatching(`"([ -!#-\[\]-~é😀]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}|u[dD][89a-fA-F][0-9a-f]{2}))*"`),
	}
	if levels == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(raws(levels-1), 0, 4), func(e []string) string { return "[ " + strings.Join(e, " ,\t") + "]" }),
		rapid.Custom(func(t *rapid.T) string {
			var members []string
			for range rapid.IntRange(0, 4).Draw(t, "members") {
				members = append(members, scalars[2].Draw(t, "key")+" : "+raws(levels-1).Draw(t, "value"))
			}
			return "{" + strings.Join(members, ",\n") + " }"
		}),
	)...)
}

func TestWrittenAndReadAgain(t *testing.T) {
	seed := maphash.MakeSeed()
	rapid.Check(t, func(t *rapid.T) {
		text := raws(3).Draw(t, "text")
		raw, err := pyjson.One(text)
		if err != nil || raw != text {
			t.Fatalf("One(%s) = %q, %v", text, raw, err)
		}
		checkGet(t, raw)
		for _, style := range []pyjson.Style{pyjson.Compact, pyjson.Indented} {
			written := string(style.Append(nil, raw))
			again, err := pyjson.One(written)
			if err != nil || !pyjson.Equal(again, raw) || pyjson.Hash(seed, again) != pyjson.Hash(seed, raw) {
				t.Fatalf("%s was written %s (%v)", text, written, err)
			}
			if sum, ok := pyjson.Sum(seed, written); !ok || sum != pyjson.Hash(seed, raw) {
				t.Fatalf("%s has another sum than %s", written, raw)
			}
			if twice := string(style.Append(nil, again)); twice != written {
				t.Fatalf("%s, written again, is %s", written, twice)
			}
		}
	})
}

func TestAnyStringComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		for _, raw := range []string{string(pyjson.AppendString(nil, s)), string(pyjson.AppendStringUTF8(nil, s))} {
			var std string
			if err := json.Unmarshal([]byte(raw), &std); err != nil || std != s || pyjson.Unquote(raw) != s {
				t.Fatalf("%q was written %s, read %q and, by encoding/json, %q (%v)", s, raw, pyjson.Unquote(raw), std, err)
			}
		}
	})
}

func TestAnyFloatComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		raw := string(pyjson.AppendFloat(nil, f))
		var std float64
		if err := json.Unmarshal([]byte(raw), &std); err != nil || std != f || !strings.ContainsAny(raw, ".e") {
			t.Fatalf("%v was written %s and read %v, %v", f, raw, std, err)
		}
	})
}

// checkGet checks that Get returns the last value of each key.
func checkGet(t rapid.TB, object string) {
	t.Helper()
	last := map[string]string{}
	for key, raw := range pyjson.Members(object) {
		last[key] = raw
	}
	for _, key := range append(slices.Collect(maps.Keys(last)), "host", "a", "") {
		want, exists := last[key]
		if raw, ok := pyjson.Get(object, key); raw != want || ok != exists {
			t.Errorf("Get(%q, %q) = %q, %v, want %q, %v", object, key, raw, ok, want, exists)
		}
	}
}

func TestGet(t *testing.T) {
	for _, object := range []string{
		`{"a": 1, "host": "h"}`, `{"host": "h"}`, `{"host": "a", "host": "b"}`, `{"host": "a", "host": 1}`, `{ "host": "h"}`, `{"host":"h"}`,
		`{"a": "\", \"host\": \"h\""}`, `{"a \"host": "h"}`, `{"a host": "h"}`, `{" ": "host\": \"h"}`, `{"\u0068ost": "h"}`, `{"ho\\st": "h"}`,
		`{"a": {"host": "h"}}`, `{"a": [{"host": "h"}]}`, `{"host": ""}`, `{"": ""}`, `{"": "a"}`, `{}`, `[]`, `"host\": \"h\"}"`, `{"host": "h\\"}`, `{"host": "h\""}`, `{"host": "h" }`,
	} {
		checkGet(t, object)
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -0, 2.50, 1E400, NaN, -Infinity], "a": {"\ud83d\ude00": "\ud800\n"}}`, `[[[[]]], {}]`, `"\u00e9é"`, " 12 ", `{"a":`, "{}}", "01",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := pyjson.One(text)
		if err != nil {
			if json.Valid([]byte(text)) {
				t.Fatalf("encoding/json takes %q, this does not: %v", text, err)
			}
			return
		}
		if !json.Valid([]byte(text)) && !strings.ContainsAny(text, "NI") {
			t.Fatalf("encoding/json does not take %q", text)
		}
		checkGet(t, raw)
		for _, style := range []pyjson.Style{pyjson.Compact, pyjson.Indented} {
			written := string(style.Append(nil, raw))
			again, err := pyjson.One(written)
			if err != nil || string(style.Append(nil, again)) != written {
				t.Fatalf("%q was written %q: %v", text, written, err)
			}
			if valid := strings.ToValidUTF8(raw, "\uFFFD"); valid == raw && !pyjson.Equal(again, raw) {
				t.Fatalf("%q was written %q, which is another value", text, written)
			}
		}
	})
}
