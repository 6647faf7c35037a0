package osprofiler_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

func TestNewInfo(t *testing.T) {
	loop := map[string]any{}
	loop["in"] = map[string]any{"itself": loop}
	for _, test := range []struct {
		name   string
		values map[string]any
		want   string
	}{
		{"nothing", nil, `{}`},
		{"only the host", map[string]any{"host": "h"}, `{"host": "h"}`},
		{"host last", map[string]any{"host": "h", "z": 1, "a": nil}, `{"a": null, "z": 1, "host": "h"}`},
		{"a request", map[string]any{"request": map[string]any{"path": "/é", "method": "GET"}, "host": "h"},
			`{"request": {"method": "GET", "path": "/\u00e9"}, "host": "h"}`},
		{"numbers", map[string]any{"a": math.NaN(), "b": math.Inf(-1), "c": 1e16, "d": float64(3), "e": float32(0.1), "f": uint64(math.MaxUint64), "g": int8(-3)},
			`{"a": NaN, "b": -Infinity, "c": 1e+16, "d": 3.0, "e": 0.1, "f": 18446744073709551615, "g": -3}`},
		{"others", map[string]any{"a": true, "b": []byte("é\xff"), "c": time.Date(2024, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600)), "d": errors.New("böom")},
			`{"a": true, "b": "\u00e9\ufffd", "c": "2024-01-02T02:04:05.000006", "d": "b\u00f6om"}`},
		{"slices", map[string]any{"a": []any{1, "x", nil}, "b": []string{"<&>"}, "c": map[string]int{"y": 2, "x": 1}, "d": json.RawMessage(`{ "k":[1e2] }`)},
			`{"a": [1, "x", null], "b": ["<&>"], "c": {"x": 1, "y": 2}, "d": {"k": [1e2]}}`},
	} {
		before := maps.Clone(test.values)
		info, err := osprofiler.NewInfo(test.values)
		if err != nil || string(info) != test.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", test.name, info, err, test.want)
		}
		if err := info.Validate(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if len(before) != len(test.values) {
			t.Errorf("%s: the caller's map was changed", test.name)
		}
	}
	for name, values := range map[string]map[string]any{
		"a function": {"x": func() {}},
		"a channel":  {"host": make(chan int), "x": 1},
		"a loop":     loop,
		"bad raw":    {"x": json.RawMessage(`{`)},
	} {
		if info, err := osprofiler.NewInfo(values); err == nil || info != "" || !strings.HasPrefix(err.Error(), "info: ") {
			t.Errorf("%s: got %.100q, %v", name, info, err)
		}
	}
}

func TestInfoMembers(t *testing.T) {
	const info osprofiler.Info = `{ "a":{"b": [1, {"c": "}"}]} , "\u0062" : "x\"y", "n":null,"a": 2}`
	var got []string
	for k, v := range info.Members() {
		got = append(got, k+"="+v)
	}
	if s := strings.Join(got, "; "); s != `a={"b": [1, {"c": "}"}]}; b="x\"y"; n=null; a=2` {
		t.Errorf("Members: %s", s)
	}
	for range info.Members() {
		break // the loop may stop at any member
	}
	for _, test := range []struct {
		key, raw, text string
		has            bool
	}{{"a", "2", "", true}, {"b", `"x\"y"`, `x"y`, true}, {"n", "null", "", true}, {"z", "", "", false}} {
		raw, ok := info.Get(test.key)
		if raw != test.raw || ok != test.has || info.Has(test.key) != test.has || info.Text(test.key) != test.text {
			t.Errorf("%q: Get %q %v, Has %v, Text %q", test.key, raw, ok, info.Has(test.key), info.Text(test.key))
		}
	}
	for _, odd := range []osprofiler.Info{"", "null", "[1]", `"x"`} {
		if odd.Has("x") || odd.Host() != "" || odd.Failed() {
			t.Errorf("Info %q should have no members", odd)
		}
	}
}

func TestInfoWithAndWithout(t *testing.T) {
	const info osprofiler.Info = `{"a": 1, "h\u00e9":2,"a": 3}`
	for _, test := range []struct {
		name      string
		got, want osprofiler.Info
	}{
		{"a new member", info.With("z", `{"y": []}`), `{"a": 1, "h\u00e9": 2, "a": 3, "z": {"y": []}}`},
		{"at its place", info.With("hé", "null"), `{"a": 1, "h\u00e9": null, "a": 3}`},
		{"a repeated one, once", info.With("a", "4"), `{"a": 4, "h\u00e9": 2}`},
		{"without a repeated one", info.Without("a"), `{"h\u00e9": 2}`},
		{"without what is not there", info.Without("b"), info},
		{"into the empty one", osprofiler.Info("").With("é", `"x"`), `{"\u00e9": "x"}`},
		{"out of the empty one", osprofiler.Info("").Without("a"), ``},
		{"the last one", osprofiler.Info(`{"a": 1}`).Without("a"), `{}`},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, test.got, test.want)
		}
	}
}

func TestInfoFailed(t *testing.T) {
	for info, want := range map[osprofiler.Info]bool{
		`{"etype": "ValueError"}`:             true,
		`{"etype": ""}`:                       true, // upstream counts it as a failure
		`{"etype": 0, "message": null}`:       true,
		`{"etype": null}`:                     false,
		`{"message": "x"}`:                    false,
		`{"db": {"etype": "x"}, "host": "h"}`: false,
		``:                                    false,
	} {
		if info.Failed() != want {
			t.Errorf("%s: Failed is %v", info, !want)
		}
	}
}

// Blanks around an info that a caller wrote are not part of the info.
func TestInfoWithBlanksAround(t *testing.T) {
	info := osprofiler.Info("  {\"a\": 1, \"host\": \"h\"} ")
	if err := info.Validate(); err != nil {
		t.Fatal(err)
	}
	if info.Host() != "h" || info.With("b", "2") != `{"a": 1, "host": "h", "b": 2}` {
		t.Errorf("%q, %s", info.Host(), info.With("b", "2"))
	}
}
