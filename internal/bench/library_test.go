package main

import (
	"bytes"
	"flag"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The comparison works with a small trace, and prints a line for each kind of work.
func TestLibrary(t *testing.T) {
	python := testenv.Python(t)
	benchtime := flag.Lookup("test.benchtime").Value
	usual := benchtime.String()
	if err := benchtime.Set("10ms"); err != nil {
		t.Fatal(err)
	}
	defer benchtime.Set(usual) //nolint:errcheck // it was set to that before
	var out bytes.Buffer
	if err := library(&out, python, 1000); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	row := regexp.MustCompile(`^ *[0-9.]+[nµm]?s +[0-9.]+[nµm]?s +[0-9]+\.[0-9] {2,}\S`)
	if len(lines) != 6 {
		t.Errorf("no table of five rows:\n%s", out.String())
	}
	for _, line := range lines[1:] {
		if !row.MatchString(line) {
			t.Errorf("no row: %s", line)
		}
	}
}
