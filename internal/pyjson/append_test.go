package pyjson_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

func TestAppend(t *testing.T) {
	type point struct {
		X float64 `json:"x"`
		T string
	}
	for _, test := range []struct {
		v    any
		want string
	}{
		{nil, "null"}, {true, "true"}, {"é", `"\u00e9"`}, {[]byte("a\x00"), `"a\u0000"`},
		{-1, "-1"}, {int32(-2), "-2"}, {int64(math.MinInt64), "-9223372036854775808"}, {uint64(math.MaxUint64), "18446744073709551615"},
		{uint8(3), "3"}, {2.0, "2.0"}, {float32(0.1), "0.1"}, {float32(1e16), "1e+16"}, {math.Inf(1), "Infinity"}, {json.Number("1e400"), "1e400"},
		{time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), `"2024-01-02T03:04:05.000000"`}, {errors.New("no <way>"), `"no <way>"`},
		{json.RawMessage(" [1,2] "), "[1, 2]"}, {json.RawMessage(nil), "null"},
		{map[string]any{}, "{}"}, {map[string]any(nil), "{}"}, {[]any{}, "[]"}, {[]any{[]any{}, map[string]any{"b": 1, "a": nil}}, `[[], {"a": null, "b": 1}]`},
		{point{0.5, "<"}, `{"x": 0.5, "T": "<"}`}, {&point{}, `{"x": 0, "T": ""}`}, {[]int(nil), "null"}, {map[int]bool{7: true}, `{"7": true}`},
	} {
		got, err := pyjson.Append([]byte("="), test.v)
		if err != nil || string(got) != "="+test.want {
			t.Errorf("Append(%#v) = %s, %v; want %s", test.v, got, err, test.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	loop := []any{nil}
	loop[0] = loop
	deep := any(nil)
	for range 1000 {
		deep = []any{deep}
	}
	if _, err := pyjson.Append(nil, deep); err != nil {
		t.Errorf("1000 levels: %v", err)
	}
	for name, test := range map[string]struct {
		v    any
		want string
	}{
		"a function":     {func() {}, "cannot write a value of type func() as JSON"},
		"one inside":     {map[string]any{"a": []any{make(chan int)}}, "cannot write a value of type chan int as JSON"},
		"no JSON":        {json.RawMessage("{"), "invalid JSON at byte 1"},
		"a loop":         {loop, "nested deeper than 1000 levels, or contains itself"},
		"1001 levels":    {map[string]any{"k": deep}, "nested deeper than 1000 levels, or contains itself"},
		"NaN in a slice": {[]float64{math.NaN()}, "cannot write a value of type []float64 as JSON"},
	} {
		if _, err := pyjson.Append(nil, test.v); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
