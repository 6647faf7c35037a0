// Package statetest checks the tables of package serverstate.
package statetest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// Check checks three things. Each code is in the table once and has a name. Each
// test that the table names exists in a file that matches the pattern testFiles.
// The page of the documentation shows the table unchanged.
func Check(t *testing.T, table *serverstate.Table, testFiles, page string) {
	t.Helper()
	tests := testsIn(t, testFiles)
	seen := map[string]bool{}
	for _, s := range table.States {
		if seen[s.Code] || s.Name == "" {
			t.Errorf("the code %s is in the table twice, or has no name", s.Code)
		}
		seen[s.Code] = true
		if name, _, _ := strings.Cut(s.Ran, "/"); s.Ran != "" && !tests[name] {
			t.Errorf("the code %s names the test %s, which does not exist", s.Code, name)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table.Source) || !strings.Contains(string(text), table.Markdown()) {
		t.Errorf("%s does not show this source and table:\n\nSource: %s\n\n%s", page, table.Source, table.Markdown())
	}
}

var testName = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

func testsIn(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files at %s: %v", pattern, err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range testName.FindAllStringSubmatch(string(text), -1) {
			names[match[1]] = true
		}
	}
	return names
}
