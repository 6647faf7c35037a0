package osloconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// formatCases are files with the rules of the format, each rule once.
var formatCases = [][]string{
	{"[DEFAULT]\na = 1\n"},
	{"[DEFAULT]\na=1\nb: 2\nc : x=y\nd = x:y\n"},
	{"[profiler]\n# comment\n; comment\na = 1 # no comment\nb = 2 ; no comment\n"},
	{"[profiler]\na = 1\n  2\n\t3  \nb = x\n"},
	{"[profiler]\na =\n  2\n  # not a comment\n\nb = x\n"},
	{"[profiler]\na = 1\n\n 2\n"},    // nothing to continue
	{"[profiler]\na = 1\n# c\n 2\n"}, // a comment ends a value
	{"[profiler]\na = \"x\"\nb = 'y'\nc = \"z\nd = \"\ne = ''\nf = \"x\" y\ng = 'a\"\nh = \"\"x\"\"\n"},
	{"[profiler]\na = 1\na = 2\na = 3\n", "[profiler]\na = 4\na = 5\n"},
	{"[profiler]\na = 1\n[DEFAULT]\na = 2\n[profiler]\nb = 3\n"},
	{"[Profiler]\na = 1\n[PROFILER]\na = 2\n[default]\na = 3\n[DEFAULT]\na = 4\n"},
	{"a = 1\n"}, {"[profiler\na = 1\n"}, {"[]\na = 1\n"}, {"[x]\nnothing\n"}, {"[x]\n= 1\n"}, {"[x]\n: 1\n"},
	{" [x]\na = 1\n"}, {"[x] \na = 1\n"}, {"[x] # c\na = 1\n"},
	{"[x]\r\na = 1\r\n  2\r\n\r\nb = 2\r"}, {"[x]\ra = 1\rb = 2"},
	{"[x]\na = \u00a0 1 \u00a0\nb\u2003= 1\nc = \x1c1\x1f\n"},
	{"[x]\na = one\nb = $a\nc = ${a}b\nd = $$a\ne = \\$a\nf = 50$\ng = $1\nh = ${a\ni = ${}\n"},
	{"[DEFAULT]\na = one\n[x]\nb = $a\nc = $x.b\nd = ${x.c}-${DEFAULT.a}\ne = $y.a\nf = $nosuch\ng = $a.\n"},
	{"[DEFAULT]\na = one\n[x]\na = two\nb = $a\n[y]\nb = $a $x.a $X.a\n"},
	{"[x]\na = $b\nb = $a\n"}, {"[x]\na = $a\n"},
	{"[x]\na = 1\n", "[x]\nb = $a\n", "[x]\na = 2\n"},
	{"[x]\na = $b\na = $b$b\n", "[x]\nb = '1'\n"},
	{""}, {"\n\n# c\n"}, {"[x]\n"}, {"[x]\na\n"}, {"[x]\na =\n"}, {"[x]\nA = 1\na = 2\n"},
	{"[x]\nq = p\u0000q\n"},
}

// generated draws a file out of pieces of the format.
func generated(t *rapid.T) []string {
	piece := rapid.SampledFrom([]string{
		"[x]", "[X]", "[y]", "[DEFAULT]", "a", "b", "c", " = ", "=", ":", "\n", "\n", "\n", "\n ", "\n\t", "\r\n", " ",
		"# ", "; ", "1", "two", "\"", "'", "$a", "$b", "${x.a}", "$y.b", "$$", "\\$", "$", "\u00a0", "é",
		"\na = ", "\nb = ", "\n[x]\na = ", "\n[y]\nb = ", "\n[DEFAULT]\nc = ",
	})
	var texts []string
	for range rapid.IntRange(1, 2).Draw(t, "files") {
		texts = append(texts, "[DEFAULT]\na = 0\nb = 0\nc = 0\n"+strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), ""))
	}
	return texts
}

// Package osloconfig reads the same values from every file as the real oslo.config.
func TestAgainstOsloConfig(t *testing.T) {
	python := testenv.NewPython(t)
	cases := formatCases
	for seed := range 300 {
		cases = append(cases, rapid.Custom(generated).Example(seed))
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/oslo_answers.py")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var answers [][][4]any
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	refused := 0
	for i, texts := range cases {
		if diff := cmp.Diff(answers[i], ours(t, texts)); diff != "" {
			t.Errorf("%q (-oslo.config +ours):\n%s", texts, diff)
		}
		if answers[i] == nil {
			refused++
		}
	}
	t.Logf("%d cases, of which oslo.config refuses %d", len(cases), refused)
}

// ours returns our answer in the form of oslo_answers.py.
func ours(t *testing.T, texts []string) [][4]any {
	t.Helper()
	c := &Config{}
	names := map[reference]bool{}
	for i, text := range texts {
		parsed, err := parse(fmt.Sprintf("%d.conf", i), strings.NewReader(text))
		if err != nil {
			return nil
		}
		c.files = append(c.files, parsed)
		for section, options := range parsed {
			for option := range options {
				names[reference{section, option}] = true
			}
		}
	}
	answers := [][4]any{}
	for name := range names {
		answer := [4]any{name.section, name.option}
		if value, ok, err := c.Value(name.section, name.option); ok && err == nil {
			answer[2] = value
		}
		if values, err := c.Values(name.section, name.option); err == nil {
			list := []any{}
			for _, v := range values {
				list = append(list, v)
			}
			answer[3] = list
		}
		answers = append(answers, answer)
	}
	slices.SortFunc(answers, func(a, b [4]any) int {
		return strings.Compare(fmt.Sprint(a[0], "\x00", a[1]), fmt.Sprint(b[0], "\x00", b[1]))
	})
	return answers
}

func FuzzParse(f *testing.F) {
	for _, texts := range formatCases {
		f.Add(strings.Join(texts, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parse("f.conf", strings.NewReader(text))
		if err != nil {
			if parsed != nil {
				t.Errorf("a file with an error (%v) has values", err)
			}
			return
		}
		c := &Config{files: []sections{parsed}}
		for section, options := range parsed {
			for option, values := range options {
				all, err := c.Values(section, option)
				last, ok, lastErr := c.Value(section, option)
				if err == nil && (!ok || lastErr != nil || len(all) != len(values) || all[len(all)-1] != last) {
					t.Errorf("[%s] %s: %q, %q, %v", section, option, all, last, lastErr)
				}
			}
		}
		_, _ = c.ConnectionString()
	})
}
