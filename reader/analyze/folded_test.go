package analyze_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

func folded(t *testing.T, r *reader.Report) string {
	t.Helper()
	var text strings.Builder
	if err := analyze.Folded(&text, r); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestFolded(t *testing.T) {
	r := report(t, "a 0 100 path=/x\n  db 10 20 db=SELECT a, b, c FROM t WHERE id = 1\n  db 30 40 db=SELECT a, b, c FROM t WHERE id = 2\n    c 30 40\nd 200 200.5")
	want := strings.Join([]string{
		"s:a GET /x 80000",
		"s:a GET /x;s:db SELECT … FROM t WHERE id = *** 10000",
		"s:a GET /x;s:db SELECT … FROM t WHERE id = ***;s:c 10000",
		"s:d 500", "",
	}, "\n")
	if got := folded(t, r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// No name can break the format.
func TestFoldedNames(t *testing.T) {
	for name, want := range map[string]string{
		"a;b":       `s:a\x3bb 1000`,
		"a\nb":      "s:a b 1000",
		" a ":       "s: a 1000",
		"a 5":       `s:a\x205 1000`,
		"a 5.5":     `s:a\x205.5 1000`,
		"a 5 b":     "s:a 5 b 1000",
		"\x1b[2J":   `s:\x1b[2J 1000`,
		"\u2028\t":  "s: 1000",
		"\u202ex":   `s:\u202ex 1000`,
		"\r\n; 7\n": `s: \x3b\x207 1000`,
	} {
		all := parse(t, "a 0 1")
		all[0].name = name
		if got := strings.TrimSuffix(folded(t, build(t, all)), "\n"); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	all := parse(t, "a 0 1 db=SELECT 1")
	if got := folded(t, build(t, all)); got != `s:a SELECT\x201 1000`+"\n" {
		t.Errorf("%q", got)
	}
}

// The stacks of a deep trace are bounded, and no self time is lost.
func TestFoldedDepth(t *testing.T) {
	var lines []string
	for i := range 2000 {
		lines = append(lines, strings.Repeat("  ", i)+"a 0 "+ms(analyze.Duration(2000-i)*1e6))
	}
	text := folded(t, report(t, strings.Join(lines, "\n")))
	stacks := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if deepest := stacks[len(stacks)-1]; len(stacks) != 500 || strings.Count(deepest, ";") != 499 || !strings.HasSuffix(deepest, " 1501000") {
		t.Errorf("%d stacks, the last has %d frames and ends in %.40q", len(stacks), 1+strings.Count(deepest, ";"), deepest[len(deepest)-20:])
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestFoldedError(t *testing.T) {
	if err := analyze.Folded(brokenWriter{}, report(t, "a 0 1")); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
