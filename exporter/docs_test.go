package exporter_test

import (
	"os"
	"strings"
	"testing"
)

// Every Go sample of the pages about this package and package live is a part of an
// example that runs, whatever its indentation.
func TestSamplesOfTheDocs(t *testing.T) {
	for page, of := range map[string]string{"../docs/exporter.md": "example_test.go", "../docs/live.md": "live/example_test.go"} {
		examples := flat(t, of)
		samples := strings.Split(flat(t, page), "\n```go\n")[1:]
		if len(samples) == 0 {
			t.Errorf("%s has no samples", page)
		}
		for _, sample := range samples {
			code, _, _ := strings.Cut(sample, "\n```")
			if !strings.Contains(examples, code) {
				t.Errorf("%s: no example has\n%s", page, code)
			}
		}
	}
}

// flat reads a file without the indentation of its lines.
func flat(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
