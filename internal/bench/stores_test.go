package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// sharedSubjects are the stores on the servers that all tests share.
func sharedSubjects(t *testing.T) (all []subject) {
	shared := map[string]func(testing.TB) string{
		"redis": testenv.RedisDB, "postgresql": testenv.PostgreSQL, "mariadb": testenv.MariaDB,
	}
	for _, p := range subjects {
		if fresh := shared[p.name]; fresh != nil {
			fresh(t) // skips this test if the server is missing
			p.fresh = func() (string, func() error, error) {
				return fresh(t), func() error { return nil }, nil // the end of the test drops it
			}
		}
		all = append(all, p)
	}
	return all
}

// The comparison works with every store on little data, and prints a line for each
// kind of work.
func TestStores(t *testing.T) {
	python, stores := testenv.Python(t), sharedSubjects(t)
	var out bytes.Buffer
	small := sizes{writeRounds: 2, batches: 1, notify: 32, report: 200, traces: 300, readRounds: 2}
	if err := compareStores(t.Context(), &out, python, stores, small); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	const ratio, speed, took = `(1/)?[0-9]+\.[0-9]+ +[<>]= [0-9./]+`, `[0-9]+/s`, `[0-9.]+[mµn]?s`
	for _, p := range stores {
		for work, value := range map[string]string{"export": speed, "write": speed, "report": took, "list": took} {
			cells := []string{p.name, work, value, value, value, ratio, ratio, `\S.*`}
			if !regexp.MustCompile(`(?m)^ *` + strings.Join(cells, " +") + `$`).MatchString(out.String()) {
				t.Errorf("no row of %s with %s", work, p.name)
			}
		}
	}
}
