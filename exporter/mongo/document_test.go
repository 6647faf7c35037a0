package mongo

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Every info is read back with its text, whether BSON can hold the info or not.
func TestRoundTrip(t *testing.T) {
	for _, info := range []string{
		"", `{}`, `{"host": "h"}`, `{"a": 1, "b": [1, 2.5, null, true, false, "x", {}, []], "host": "h"}`,
		`{"n": 2147483647, "m": 2147483648, "k": -9223372036854775808}`,
		`{"n": 9223372036854775808}`, `{"n": -0}`, `{"f": -0.0}`, `{"f": 1e400}`, `{"f": NaN, "g": Infinity, "h": -Infinity}`,
		`{"f": 1.50}`, `{"f": 1e16}`, `{"f": 1e+16}`, `{"f": 1E5}`, `{"a":1}`, `{ "a": 1 }`, `{"a": 1 , "b": 2}`,
		`{"a.b": 1}`, `{"$a": 1}`, `{"": 1}`, `{"a\u0000b": 1}`, `{"a": "\u0000"}`, `{"\ud800": 1}`, `{"a": "\udc00"}`,
		`{"a": "ż"}`, `{"a": "\u017c"}`, `{"a": "\u017C"}`, `{"a": "\/"}`, `{"a": "\ud83d\ude00"}`,
		`{"a": 1, "a": 2}`, `{"a": 1, "b": 2, "a": 3, "b": 4, "c": 5}`, `{"a.b": 1, "a\uFF0Eb": 2}`,
		`{"etype": "E", "etype": null}`, `{"osp_original": "x"}`,
		`{"a": ` + strings.Repeat(`[`, 300) + strings.Repeat(`]`, 300) + `}`,
		`{"a": ` + strings.Repeat(`{"a": `, 300) + `1` + strings.Repeat(`}`, 300) + `}`,
	} {
		checkRoundTrip(t, osprofiler.Notification{Name: "a-start", BaseID: "b", TraceID: "t", ParentID: "p", Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(info), Project: "x", Service: "y"})
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkRoundTrip(t fataler, n osprofiler.Notification) {
	t.Helper()
	id := idOf(&n)
	for _, document := range [][]byte{encode(&n, id), encodeBare(&n, id, 0)} {
		if err := bson.Raw(document).Validate(); err != nil {
			t.Fatalf("%s: not BSON: %v", n.JSON(), err)
		}
		back, err := decodeDocument(document)
		sameInfo := sameButSpelling(string(back.Info), string(n.Info)) || n.Info == "" && back.Info == "{}"
		if err != nil || !back.Equal(n) || !sameInfo {
			t.Fatalf("%s\ncame back as\n%s: %v\nfrom %s", n.JSON(), back.JSON(), err, bson.Raw(document))
		}
		failure := bson.Raw(document).Lookup(keyInfo, "etype")
		if failed := failure.Type != 0 && failure.Type != bson.TypeNull; failed != n.Info.Failed() {
			t.Fatalf("%s: failed is %v in %s", n.JSON(), failed, bson.Raw(document))
		}
	}
}

// Parsed notifications of any shape are equal after encoding and decoding.
func TestOddShapes(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"name": 1}`, `{"info": {"host": "h"}, "name": "a-stop"}`, `{"info": "text", "name": null, "base_id": ["x"]}`,
		`{"name": "a", "base_id": "", "trace_id": "", "parent_id": "", "timestamp": "", "info": {}, "project": "", "service": ""}`,
		`{"_id": 5, "osp_original": 6, "osp_chunks": 7, "name": "a"}`, `{"base_id": "\ud800"}`, `{"name": "\u0000"}`,
		`{"base_id": "` + strings.Repeat("ä", 600) + `", "timestamp": "` + strings.Repeat("x", 5000) + `"}`,
	} {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, n)
	}
}

func TestRoundTripProperty(t *testing.T) {
	text := rapid.OneOf(rapid.StringN(0, 8, -1), rapid.SampledFrom([]string{"a.b", "$a", "", "\x00", "\xed\xa0\x80", "\xff", "etype", "host", "\uFFFD0123456789abcdef0123456789abcdef"}))
	rapid.Check(t, func(t *rapid.T) {
		n := osprofiler.Notification{
			Name: text.Draw(t, "name"), BaseID: text.Draw(t, "base"), TraceID: text.Draw(t, "trace"), ParentID: text.Draw(t, "parent"),
			Timestamp: text.Draw(t, "timestamp"), Project: text.Draw(t, "project"), Service: text.Draw(t, "service"),
			Info: osprofiler.Info(drawObject(t, text, 3)),
		}
		if n.Validate() != nil {
			t.Skip()
		}
		checkRoundTrip(t, n)
	})
}

func drawObject(t *rapid.T, text *rapid.Generator[string], levels int) string {
	var out []byte
	for i := range rapid.IntRange(0, 4).Draw(t, "members") {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(pyjson.AppendString(out, text.Draw(t, "key")), ": "...)
		out = append(out, drawValue(t, text, levels)...)
	}
	return "{" + string(out) + "}"
}

func drawValue(t *rapid.T, text *rapid.Generator[string], levels int) string {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	switch {
	case kind == 0 && levels > 0:
		return drawObject(t, text, levels-1)
	case kind == 1 && levels > 0:
		return "[" + drawValue(t, text, levels-1) + ", " + drawValue(t, text, levels-1) + "]"
	case kind == 2:
		return string(pyjson.AppendString(nil, text.Draw(t, "value")))
	case kind == 3:
		return string(pyjson.AppendFloat(nil, rapid.Float64().Draw(t, "float")))
	case kind == 4:
		return rapid.SampledFrom([]string{"1", "-5", "123456789012", "12345678901234567890", "1.50", "NaN", "-0"}).Draw(t, "number")
	}
	return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")
}

// The document has the unchanged id of the trace if it can hold the id.
func TestStoredID(t *testing.T) {
	for _, id := range []string{"", "a", "a$b.c", osprofiler.NewID(), strings.Repeat("x", mostField)} {
		if storedID(id) != id || len(withBaseID(id)) != 1 {
			t.Errorf("%q is stored as %q", id, storedID(id))
		}
	}
	long := strings.Repeat("ä", mostField)
	seen := map[string]string{}
	for _, id := range []string{long, long + "b", "\xed\xa0\x80", "\xed\xa0\x81", "\uFFFD", storedID(long), storedID(storedID(long))} {
		stored := storedID(id)
		if other, taken := seen[stored]; taken || len(stored) > mostField+64 || id != "\uFFFD" && !isHashed(stored) {
			t.Errorf("%q is stored as %q, as %q is", id, stored, other)
		}
		seen[stored] = id
	}
}
