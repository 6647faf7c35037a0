package mongo

import "testing"

func TestSameButSpelling(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a": [1, 2]}`, "{\n \"a\":[1,2] }", true},
		{`{"a": "b c"}`, `{"a":"bc"}`, false},
		{`{"a": "\" b"}`, `{"a":"\" b"}`, true},
		{`{"a": "\" b"}`, `{"a":"\"  b"}`, false},
		{`{"a": "\\"}`, `{"a" : "\\"}`, true},
		{`{"a": "\u00e9"}`, `{"a":"é"}`, true},
		{`[1.0]`, `[1.00]`, false},
		{`[1]`, `[1`, false},
		{`[12]`, `[1]`, false},
		{``, ` `, true},
	} {
		if got := sameButSpelling(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
