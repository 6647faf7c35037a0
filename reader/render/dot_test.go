package render_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// dotCase is the result of osprofiler 4.4.0 with python-graphviz 0.21 for a few
// notifications: a graph or an exception.
type dotCase struct {
	Note          string
	Notifications []json.RawMessage
	Dot, Error    string
}

func dotCases(t testing.TB) (cases []dotCase) {
	t.Helper()
	raw, err := os.ReadFile("../python/testdata/dot.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) == 0 {
		t.Fatal(cases, err)
	}
	return cases
}

func (c dotCase) lines() (lines []string) {
	for _, raw := range c.Notifications {
		lines = append(lines, string(raw))
	}
	return lines
}

// Our Dot draws every case, and all graphs have only quoted labels.
func TestOwnDotCases(t *testing.T) {
	var all strings.Builder
	for _, c := range dotCases(t) {
		got, err := dot(build(t, c.lines()))
		if err != nil {
			t.Errorf("%s: %v", c.Note, err)
		}
		all.WriteString("// " + c.Note + "\n" + got)
	}
	golden(t, "testdata/own.dot", all.String())
}

func TestDotOfNothing(t *testing.T) {
	if got, err := dot(build(t, nil)); err != nil || got != "digraph {\n\t0 [label=total]\n}\n" {
		t.Errorf("%q, %v", got, err)
	}
}
