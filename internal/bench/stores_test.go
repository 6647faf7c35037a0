package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// sharedPlaces are the places on the servers that all tests share.
func sharedPlaces(t *testing.T) (all []place) {
	shared := map[string]func(testing.TB) string{
		"redis": testenv.RedisDB, "postgresql": testenv.PostgreSQL, "mariadb": testenv.MariaDB,
	}
	for _, p := range places {
		if fresh := shared[p.name]; fresh != nil {
			fresh(t) // skips this test where there is no such server
			p.fresh = func() (string, func() error, error) {
				return fresh(t), func() error { return nil }, nil // which the end of the test drops
			}
		}
		all = append(all, p)
	}
	return all
}

// The comparison runs, on little work, with every store, and prints a line for
// each kind of work.
func TestStores(t *testing.T) {
	python, stores := testenv.Python(t), sharedPlaces(t)
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
