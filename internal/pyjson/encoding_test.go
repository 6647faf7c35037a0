package pyjson_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// pythonValue is a Python value and the JSON that json.dumps wrote for it, in its
// default style and in the style of `osprofiler trace show --json`.
type pythonValue struct {
	CodePoints []rune `json:"code_points"`
	Hex        string // a float, as float.hex
	Decimal    string // an int
	Default    string
	CLI        string
}

func TestAsPythonWrites(t *testing.T) {
	text, err := os.ReadFile("testdata/json-encoding.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Strings, Floats, Ints, Containers []pythonValue }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Strings) != 7 || len(golden.Floats) != 23 || len(golden.Ints) != 7 || len(golden.Containers) != 4 {
		t.Fatalf("the golden table has another size: %d strings, %d floats, %d ints, %d containers",
			len(golden.Strings), len(golden.Floats), len(golden.Ints), len(golden.Containers))
	}
	for _, w := range golden.Strings {
		s := string(w.CodePoints)
		if got := string(pyjson.AppendString(nil, s)); got != w.Default {
			t.Errorf("string %q: got %s, want %s", s, got, w.Default)
		}
		if got := pyjson.Unquote(w.Default); got != s {
			t.Errorf("%s says %q, want %q", w.Default, got, s)
		}
		checkStyles(t, w.Default, w.Default)
	}
	for _, w := range golden.Floats {
		f := float(t, w.Hex)
		if got := string(pyjson.AppendFloat(nil, f)); got != w.Default {
			t.Errorf("float %v: got %s, want %s", f, got, w.Default)
		}
		checkStyles(t, w.Default, w.Default)
	}
	for _, w := range golden.Ints {
		if w.Decimal != w.Default {
			t.Errorf("int %s is written %s", w.Decimal, w.Default)
		}
		checkStyles(t, w.Default, w.Default)
	}
	for _, w := range golden.Containers {
		checkStyles(t, w.Default, w.CLI)
	}
}

// checkStyles checks that the two forms are equal, and that each Style turns
// either form into its own.
func checkStyles(t *testing.T, standard, cli string) {
	t.Helper()
	for _, from := range []string{standard, cli} {
		raw, err := pyjson.One(" " + from + "\r\n\t")
		if err != nil || raw != from {
			t.Errorf("One(%q) = %q, %v", from, raw, err)
		}
		if got := string(pyjson.Compact.Append(nil, raw)); got != standard {
			t.Errorf("%q: compact is %q, want %q", from, got, standard)
		}
		if got := string(pyjson.Indented.Append(nil, raw)); got != cli {
			t.Errorf("%q: indented is %q, want %q", from, got, cli)
		}
	}
	if !pyjson.Equal(standard, cli) {
		t.Errorf("%s and %s should be equal", standard, cli)
	}
}

// float reads what Python's float.hex wrote.
func float(t *testing.T, hex string) float64 {
	t.Helper()
	switch hex {
	case "nan":
		return math.NaN()
	case "inf":
		return math.Inf(1)
	case "-inf":
		return math.Inf(-1)
	}
	f, err := strconv.ParseFloat(hex, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStringsPythonCanHold(t *testing.T) {
	for raw, want := range map[string]string{
		`""`:                                  "",
		`"\u0041\/\"\\\b\f\n\r\t"`:            "A/\"\\\b\f\n\r\t",
		`"\ud83d\ude00"`:                      "😀",
		`"\uD83D\uDE00"`:                      "😀",
		`"\ud83d"`:                            "\xed\xa0\xbd",
		`"\ude00\ud83d"`:                      "\xed\xb8\x80\xed\xa0\xbd",
		`"\ud83dx\ude00"`:                     "\xed\xa0\xbdx\xed\xb8\x80",
		`"\ud83d\u0041"`:                      "\xed\xa0\xbdA",
		`"\ud83d\n"`:                          "\xed\xa0\xbd\n",
		`"\ud83d\ud83d\ude00"`:                "\xed\xa0\xbd😀",
		`"é` + "\u007f" + `"`:                 "é\u007f",
		`"\u00e9é"`:                           "éé",
		`"` + strings.Repeat("x", 1000) + `"`: strings.Repeat("x", 1000),
	} {
		got, ok := pyjson.Text(raw)
		if !ok || got != want {
			t.Errorf("%s says %q, want %q", raw, got, want)
		}
		again := string(pyjson.AppendString(nil, got))
		if pyjson.Unquote(again) != want || !pyjson.Equal(again, raw) {
			t.Errorf("%s was written %s", raw, again)
		}
	}
	for _, raw := range []string{"null", "1", `{"a": "b"}`, "", "true"} {
		if text, ok := pyjson.Text(raw); ok || text != "" {
			t.Errorf("Text(%q) = %q, %v", raw, text, ok)
		}
	}
	// Bytes that are neither UTF-8 nor a surrogate become U+FFFD, as with Python's
	// errors="replace".
	for s, want := range map[string]string{
		"a\xffb": `"a\ufffdb"`, "\xed\xa0": `"\ufffd\ufffd"`, "\xed\xa0x": `"\ufffd\ufffdx"`, "\xc3": `"\ufffd"`,
		"\xf4\x90\x80\x80": `"\ufffd\ufffd\ufffd\ufffd"`, "\xed\x9f\xbf": `"\ud7ff"`,
	} {
		if got := string(pyjson.AppendString(nil, s)); got != want {
			t.Errorf("%q is written %s, want %s", s, got, want)
		}
	}
}

func TestAppendStringUTF8(t *testing.T) {
	for s, want := range map[string]string{
		"plain é 😀 <&>/\u007f\u2028": "\"plain é 😀 <&>/\u007f\u2028\"",
		"\"\\\b\f\n\r\t\x00\x1f":     `"\"\\\b\f\n\r\t\u0000\u001f"`,
		"a\xffb\xed\xa0\xbdc":        "\"a\uFFFDb\\ud83dc\"",
		"\uFFFD":                     "\"\uFFFD\"",
		"":                           `""`,
	} {
		if got := string(pyjson.AppendStringUTF8(nil, s)); got != want {
			t.Errorf("%q is written %q, want %q", s, got, want)
		}
	}
}
