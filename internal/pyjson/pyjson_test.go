package pyjson_test

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

func TestOne(t *testing.T) {
	for _, text := range []string{
		"null", "true", "false", "0", "-0", "12", "-1.5e+10", "1E5", "0.0e-0", "NaN", "Infinity", "-Infinity", `""`, `"\u00e9\/"`,
		"[]", "[ ]", "{}", "{ }", "[1,2 , 3]", `{"a":1 , "b" :[{}, []]}`, "[[[[]]]]", `{"":{"":{}}}`,
	} {
		if raw, err := pyjson.One("\n " + text + " \t\r"); err != nil || raw != text {
			t.Errorf("One(%q) = %q, %v", text, raw, err)
		}
	}
}

func TestOneRefuses(t *testing.T) {
	const early, noValue, comma = "the text ends too early", "no JSON value starts so", "a comma or a closing bracket should stand here"
	for _, test := range []struct {
		text   string
		offset int
		reason string
	}{
		{"", 0, early}, {"  ", 2, early}, {"[", 1, early}, {"{", 1, early}, {"[1,", 3, early}, {"[1", 2, early},
		{`{"a"`, 4, early}, {`{"a":`, 5, early}, {`{"a":1,`, 7, early}, {`"a`, 2, early}, {`"\`, 1, early}, {`"\u12`, 1, early}, {`{"a`, 3, early},
		{"nul", 0, noValue}, {"True", 0, noValue}, {"-", 0, noValue}, {"+1", 0, noValue}, {".5", 0, noValue}, {"-NaN", 0, noValue},
		{"inf", 0, noValue}, {"-Inf", 1, noValue}, {"'a'", 0, noValue}, {"\ufeff{}", 0, noValue}, {"[,]", 1, noValue}, {"[1,]", 3, noValue},
		{`{"a":}`, 5, noValue}, {"]", 0, noValue}, {"[1}", 2, comma}, {`{"a":1]`, 6, comma}, {"[1 2]", 3, comma}, {"[1.x]", 2, "a number has no digit behind its point"},
		{"01", 0, "a number has a leading zero"}, {"-012", 0, "a number has a leading zero"}, {"1.", 1, "a number has no digit behind its point"},
		{"1e", 2, "a number has no digit in its exponent"}, {"1e+", 3, "a number has no digit in its exponent"},
		{"\"a\nb\"", 2, "a control character stands unescaped in a string"}, {"\"\x00\"", 1, "a control character stands unescaped in a string"},
		{`"\x"`, 1, "no such escape sequence"}, {`"\u12g4"`, 1, `four hexadecimal digits should follow \u`},
		{"{1:2}", 1, "a member's name in double quotes should stand here"}, {`{"a":1,}`, 7, "a member's name in double quotes should stand here"},
		{`{"a" 1}`, 5, "a colon should stand here"}, {"1 2", 2, "more text follows the value"}, {"{}}", 2, "more text follows the value"}, {"[]]", 2, "more text follows the value"},
		{"1 // a remark", 2, "more text follows the value"},
	} {
		raw, err := pyjson.One(test.text)
		var syntax *pyjson.SyntaxError
		if !errors.As(err, &syntax) || raw != "" {
			t.Errorf("One(%q) = %q, %v", test.text, raw, err)
			continue
		}
		if *syntax != (pyjson.SyntaxError{Offset: test.offset, Reason: test.reason}) {
			t.Errorf("One(%q): %v, want byte %d: %s", test.text, err, test.offset, test.reason)
		}
		if want := fmt.Sprintf("invalid JSON at byte %d: %s", test.offset, test.reason); err.Error() != want {
			t.Errorf("One(%q): %v, want %s", test.text, err, want)
		}
	}
}

func TestKindOf(t *testing.T) {
	for raw, want := range map[string]pyjson.Kind{
		"null": pyjson.Null, "true": pyjson.Bool, "false": pyjson.Bool, "0": pyjson.Number, "-1": pyjson.Number, "9": pyjson.Number,
		"NaN": pyjson.Number, "Infinity": pyjson.Number, `"x"`: pyjson.String, "[1]": pyjson.Array, "{}": pyjson.Object,
		"": pyjson.Invalid, "x": pyjson.Invalid, "\t1": pyjson.Invalid, "]": pyjson.Invalid,
	} {
		if got := pyjson.KindOf(raw); got != want {
			t.Errorf("KindOf(%q) = %v, want %v", raw, got, want)
		}
	}
}

func TestMembersAndElements(t *testing.T) {
	const object = `{ "a" : [1, {"b": "]"}] ,"\u00e9":{"a": 2},"a":null }`
	var got []string
	for k, v := range pyjson.Members(object) {
		got = append(got, k+"="+v)
	}
	if s := fmt.Sprintf("%q", got); s != `["a=[1, {\"b\": \"]\"}]" "é={\"a\": 2}" "a=null"]` {
		t.Error(s)
	}
	got = nil
	for e := range pyjson.Elements(`[ 1 ,"a,]" , [2, [ ] ],{"x": [3]} ]`) {
		got = append(got, e)
	}
	if s := fmt.Sprintf("%q", got); s != `["1" "\"a,]\"" "[2, [ ] ]" "{\"x\": [3]}"]` {
		t.Error(s)
	}
	for _, none := range []string{"", "1", "null", `"{}"`, "{}", "[]", "[ ]", "{ }"} {
		for k := range pyjson.Members(none) {
			t.Errorf("%q has the member %q", none, k)
		}
		for e := range pyjson.Elements(none) {
			t.Errorf("%q has the element %q", none, e)
		}
	}
	for range pyjson.Members(object) {
		break
	}
	for range pyjson.Elements("[1, 2]") {
		break
	}
	if raw, ok := pyjson.Get(object, "a"); raw != "null" || !ok {
		t.Errorf("Get: %q, %v; the last one counts", raw, ok)
	}
	if raw, ok := pyjson.Get(object, "b"); raw != "" || ok {
		t.Errorf("Get: %q, %v; want none", raw, ok)
	}
}

// pairs holds pairs of values, and whether Equal should return true for them.
var pairs = []struct {
	a, b string
	same bool
}{
	{"1", "1", true}, {"0", "-0", true}, {"1", "1.0", false}, {"1.0", "1.00", true}, {"1e3", "1000.0", true}, {"1E400", "Infinity", true},
	{"0.0", "-0.0", false}, {"NaN", "NaN", true}, {"Infinity", "-Infinity", false}, {"NaN", "0.0", false}, {"1e-400", "0.0", true},
	{"9007199254740993", "9007199254740992", false}, {"9007199254740993.0", "9007199254740992.0", true},
	{"18446744073709551616", "18446744073709551616", true}, {"-12", "12", false}, {"1", `"1"`, false}, {"0", "false", false},
	{"true", "false", false}, {"null", "null", true}, {"null", "false", false}, {`""`, "null", false},
	{`"é"`, `"\u00e9"`, true}, {`"\ud83d\ude00"`, `"😀"`, true}, {`"\ud83d"`, `"\ude00"`, false}, {`"a"`, `"A"`, false},
	{"[]", "[ ]", true}, {"[1, 2]", "[1,2]", true}, {"[1, 2]", "[2, 1]", false}, {"[1]", "[1, 1]", false}, {"[1, 1]", "[1]", false}, {"[]", "{}", false},
	{`{"a": 1, "b": 2}`, `{"b":2,"a":1}`, true}, {`{"a": 1}`, `{"a": 1, "b": null}`, false}, {`{"a": 1, "b": null}`, `{"a": 1, "c": null}`, false},
	{`{"a": 1, "a": 2}`, `{"a": 2}`, true}, {`{"a": 2, "a": 1}`, `{"a": 2}`, false}, {`{"\u0061": {"b": [0]}}`, `{"a": {"b": [-0]}}`, true},
}

func TestEqualAndHash(t *testing.T) {
	seed := maphash.MakeSeed()
	for _, p := range pairs {
		if pyjson.Equal(p.a, p.b) != p.same || pyjson.Equal(p.b, p.a) != p.same {
			t.Errorf("Equal(%s, %s) is not %v both ways", p.a, p.b, p.same)
		}
		// Unequal values of one kind have the same hash with a chance of 1 in 2^64.
		same := pyjson.Hash(seed, p.a) == pyjson.Hash(seed, p.b)
		if same != p.same && pyjson.KindOf(p.a) == pyjson.KindOf(p.b) {
			t.Errorf("the hashes of %s and %s: equal is %v", p.a, p.b, same)
		}
	}
}

func TestDeepValues(t *testing.T) {
	seed := maphash.MakeSeed()
	nest := func(levels int, inner string) string {
		return strings.Repeat(`{"k":[`, levels) + inner + strings.Repeat("]}", levels)
	}
	for _, levels := range []int{40, 50_000} {
		a, b, c := nest(levels, "1"), nest(levels, " 1 "), nest(levels, "2")
		if !pyjson.Equal(a, b) || pyjson.Equal(a, c) || pyjson.Hash(seed, a) != pyjson.Hash(seed, b) {
			t.Errorf("%d levels: Equal or Hash is wrong", levels)
		}
		if raw, err := pyjson.One(a); err != nil || raw != a {
			t.Errorf("%d levels: %v", levels, err)
		}
		if again := string(pyjson.Compact.Append(nil, b)); !pyjson.Equal(again, a) || strings.Contains(again, "[ ") {
			t.Errorf("%d levels: %.50s", levels, again)
		}
		if _, err := pyjson.One(a[:len(a)-1]); err == nil {
			t.Errorf("%d levels: one bracket less should be refused", levels)
		}
	}
	// The order of members counts only in values nested deeper than 100 levels.
	for levels, want := range map[int]bool{49: true, 50: false} {
		a, b := nest(levels, `{"a":"[","b":2}`), nest(levels, `{"b":2,"a":"["}`)
		if pyjson.Equal(a, b) != want || want && pyjson.Hash(seed, a) != pyjson.Hash(seed, b) {
			t.Errorf("%d levels: Equal is not %v", 2*levels+1, want)
		}
	}
}

// Comparing and hashing a number of 4 MB takes linear time.
func TestLongNumbers(t *testing.T) {
	long := strings.Repeat("7", 4<<20)
	if !pyjson.Equal("["+long+"]", "[ "+long+"]") || pyjson.Equal(long+"1", long+"2") {
		t.Error("long integers are compared wrongly")
	}
	pyjson.Hash(maphash.MakeSeed(), long)
}

func TestNewLine(t *testing.T) {
	if got := string(pyjson.Indented.NewLine([]byte("x"), 2)); got != "x\n    " {
		t.Errorf("Indented: %q", got)
	}
	if got := string(pyjson.Compact.NewLine([]byte("x"), 2)); got != "x" {
		t.Errorf("Compact: %q", got)
	}
}
