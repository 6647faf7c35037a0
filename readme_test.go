package osprofiler_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	goBlock      = regexp.MustCompile("(?s)```go\n\\s*(package main\n.*?)\\s*```")
	relativeLink = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	codeBlock    = regexp.MustCompile("(?s)\n```.*?\n```")
)

// The programs in the documentation compile.
func TestDocumentedProgramsCompile(t *testing.T) {
	programs := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
			programs++
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(block[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
				t.Errorf("a program in %s does not compile: %s", page, out)
			}
		}
	}
	if programs == 0 {
		t.Error("the README should show a program")
	}
}

// The links between the pages lead somewhere.
func TestLinksBetweenPages(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		prose := codeBlock.ReplaceAllString(string(text), "")
		for _, link := range relativeLink.FindAllStringSubmatch(prose, -1) {
			target := filepath.Join(filepath.Dir(page), strings.TrimSpace(link[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
}

func pages(t *testing.T) []string {
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, files...)
	}
	return found
}
