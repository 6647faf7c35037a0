package doctest

import (
	"path/filepath"
	"strings"
	"testing"
)

// Blocks with from=FILE are lines of that file. Blocks with test=FILE belong to a test
// that names their page.
func TestExcerpts(t *testing.T) {
	for _, blocks := range pages(t) {
		for _, b := range blocks {
			if b.has("from") {
				checkExcerpt(t, b)
			}
			if b.has("test") && !strings.Contains(read(t, filepath.Join(repository, b.attrs["test"])), filepath.Base(b.page)) {
				t.Errorf("%v: %s does not name the page", b, b.attrs["test"])
			}
		}
	}
}

func checkExcerpt(t *testing.T, b *block) {
	t.Helper()
	path := b.attrs["from"]
	source := flat(read(t, filepath.Join(repository, path)))
	rest := source
	for i, part := range strings.Split(flat(b.text), "…") {
		part = strings.TrimSpace(part)
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("%v: %s does not have part %d of the block:\n%s", b, path, i+1, part)
			return
		}
		rest = after
	}
}

// flat returns a text without the indentation and the comment marks of its lines.
func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "// "))
	}
	return strings.Join(lines, "\n")
}
