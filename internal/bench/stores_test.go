package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// needServers skips a test for which a server is missing.
func needServers(t *testing.T) (python string) {
	testenv.Redis(t)
	testenv.PostgreSQL(t)
	testenv.MariaDB(t)
	return testenv.Python(t)
}

// The comparison runs, on little work, with every store, and prints a line for
// each kind of work.
func TestStores(t *testing.T) {
	python := needServers(t)
	var out bytes.Buffer
	small := sizes{rounds: 2, batches: 1, notify: 40, report: 200, traces: 300, pythonToo: 1}
	if err := compareStores(t.Context(), &out, python, places, small); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	number, took := `[0-9]+\.[0-9]+`, `[0-9.]+[nµm]?s +`
	speed := `[0-9]+/s +`
	for _, p := range places {
		for work, value := range map[string]string{"export": speed, "write": speed, "report": took, "list": took} {
			row := regexp.MustCompile(`(?m)^ *` + p.name + ` +` + work + ` +` + strings.Repeat(value, 3) + number + ` +[<>]= [0-9.]+ +` + number + ` +>= [0-9]+ {2,}\S`)
			if !row.MatchString(out.String()) {
				t.Errorf("no row of %s with %s", work, p.name)
			}
		}
	}
}
