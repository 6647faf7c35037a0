package doctest

import (
	"regexp"
	"strings"
	"testing"
)

// masks replace the parts of an output that differ from run to run.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{uuid, "ID"},
	{regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `), ""}, // of package log
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`\d+ (second|minute|hour)s? ago|now\b`), "AGE"},
	{regexp.MustCompile(`\d[\d.,]* ?(ns|µs|ms|s|min|h)\b`), "DURATION"},
	{regexp.MustCompile(`\d[\d.,]*`), "N"},
	{regexp.MustCompile(`[▏▎▍▌▋▊▉█▐▕╌]+`), ""}, // bars
	{regexp.MustCompile(`\s+`), " "},
}

// masked returns the lines of an output without the parts that differ from run to run.
func masked(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		for _, m := range masks {
			line = m.pattern.ReplaceAllString(line, m.with)
		}
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

// ordered returns the lines of an output with those of osp on standard error at the end.
func ordered(lines []string) (all []string) {
	var messages []string
	for _, line := range lines {
		if strings.HasPrefix(line, "osp: ") {
			messages = append(messages, line)
		} else {
			all = append(all, line)
		}
	}
	return append(all, messages...)
}

// compare compares an output with that of the page. A line … of the page stands for
// any lines, and … in a line for any text.
func compare(t *testing.T, b *block, got, want string) {
	t.Helper()
	var parts []string
	for _, line := range ordered(masked(want)) {
		if line == "…" {
			parts = append(parts, `(?:.*\n)*`)
		} else {
			parts = append(parts, strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")+`\n`)
		}
	}
	if !regexp.MustCompile(`^` + strings.Join(parts, "") + `$`).MatchString(strings.Join(ordered(masked(got)), "\n") + "\n") {
		t.Errorf("%v: got the output\n%s\nthe page has\n%s", b, got, want)
	}
}

func TestMasksKeepTheWords(t *testing.T) {
	b := &block{page: "page.md", line: 1}
	compare(t, b, "ab0e2b3c-0000-4000-8000-000000000001  3.4 ms │▊     │\nx\ny\n", "9b5a0158-dbf2-4a2f-a2b3-1e1ddeb8604b 560 µs │  ▐█│\n…\n")
	if got, want := masked("3 minutes ago  1,072 read │▏ │ wsgi"), "AGE N read │ │ wsgi"; got[0] != want {
		t.Errorf("got %q, want %q", got[0], want)
	}
}
