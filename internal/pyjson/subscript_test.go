package pyjson

import "testing"

// The exceptions are those that Python 3.11 raised for json.loads(raw)["k"].
func TestSubscript(t *testing.T) {
	for _, c := range []struct{ raw, value, exception string }{
		{`{"k": 1}`, "1", ""},
		{`{"k": 1, "k": 2}`, "2", ""},
		{`{}`, "", "KeyError: 'k'"},
		{`"k"`, "", "TypeError: string indices must be integers, not 'str'"},
		{`[1]`, "", "TypeError: list indices must be integers or slices, not str"},
		{`null`, "", "TypeError: 'NoneType' object is not subscriptable"},
		{`1`, "", "TypeError: 'int' object is not subscriptable"},
		{`1.0`, "", "TypeError: 'float' object is not subscriptable"},
		{`NaN`, "", "TypeError: 'float' object is not subscriptable"},
		{`true`, "", "TypeError: 'bool' object is not subscriptable"},
	} {
		value, exception := Subscript(c.raw, "k")
		if value != c.value || exception != c.exception {
			t.Errorf("%s: %q, %q; want %q, %q", c.raw, value, exception, c.value, c.exception)
		}
	}
}
