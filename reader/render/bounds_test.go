package render_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// The bytes of a line are bounded, however many combining marks, joiners or blanks are in a
// stored text.
func TestLinesAreBounded(t *testing.T) {
	const many = 20_000
	for name, hostile := range map[string]string{
		"marks":               "a" + strings.Repeat("\u0301", many),
		"marks alone":         strings.Repeat("\u0301", many),
		"enclosing marks":     "a" + strings.Repeat("\u20dd", many),
		"variation selectors": "a" + strings.Repeat("\ufe0f", many),
		"grapheme joiners":    "a" + strings.Repeat("\u034f", many),
		"joined emoji":        "👩" + strings.Repeat("\u200d👩", many),
		"tags":                "🏴" + strings.Repeat("\U000e0067", many),
		"Hangul":              strings.Repeat("\u1100", many) + strings.Repeat("\u1161", many),
		"fillers":             strings.Repeat("\u3164\u115f\u2800", many),
		"prepended":           strings.Repeat("\u0d4e", many),
		"spacing marks":       "क" + strings.Repeat("\u093e", many),
		"flags":               strings.Repeat("🇩", many),
		"tabs":                "a" + strings.Repeat("\t", many) + "b",
		"controls":            strings.Repeat("\x1b[2J", many),
		"isolates":            strings.Repeat("\u2067", many),
		"wide":                strings.Repeat("世", many),
	} {
		quoted := fmt.Sprintf("%q", hostile)
		if strings.ContainsAny(hostile, "\x1b\U000e0067") {
			quoted = `"` + strings.NewReplacer("\x1b", `\u001b`).Replace(hostile) + `"`
		}
		replace := strings.NewReplacer(`"nova"`, quoted, `"api"`, quoted, `"h1"`, quoted)
		info := fmt.Sprintf(`"db": {"statement": %s}, "etype": %[1]s, "message": %[1]s, `, quoted)
		r := build(t, []string{replace.Replace(notification("db-start", "1", "b", 0, info)), replace.Replace(notification("db-stop", "1", "b", 5, info))})
		r.BaseID, r.Warnings = hostile, append(r.Warnings, hostile)
		for _, columns := range []int{80, 200} {
			checkBytes(t, name, text(t, r, render.WithWidth(columns)), columns)
		}
		var graph strings.Builder
		if err := render.Dot(&graph, r); err != nil {
			t.Fatal(err)
		}
		checkBytes(t, name+" in a graph", graph.String(), 400)
	}
}

// checkBytes checks that no line has more than nine code points a column.
func checkBytes(t *testing.T, name, text string, columns int) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len([]rune(line)); n > 9*(columns+2) {
			t.Errorf("%s: a line of %d columns has %d code points", name, columns, n)
		}
		marks := 0
		for _, r := range line {
			if marks++; !unicode.Is(unicode.M, r) {
				marks = 0
			}
			if marks > 16 { // eight at the end of one text, and eight at the beginning of the next
				t.Errorf("%s: too many marks in one column", name)
				break
			}
		}
	}
}

// A statement of one letter and two million combining marks takes one column.
func TestStatementOfMarks(t *testing.T) {
	info := `"db": {"statement": "a` + strings.Repeat("\u0301", 2_000_000) + `"}, `
	got := text(t, build(t, []string{notification("db-start", "1", "b", 0, info), notification("db-stop", "1", "b", 5, "")}))
	if !strings.Contains(got, "db  a"+strings.Repeat("\u0301", 7)+"…") || len(got) > 5000 {
		t.Errorf("%d bytes: %.2000s", len(got), got)
	}
}
