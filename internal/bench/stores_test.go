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
		"elasticsearch7": testenv.Elasticsearch7, "elasticsearch": testenv.Elasticsearch, "opensearch": testenv.OpenSearch,
		"mongodb": testenv.MongoDB, "ferretdb": testenv.FerretDB,
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
	const aim, speed, took = ` +[<>]= [0-9./]+`, `[0-9]+/s`, `[0-9.]+[mµn]?s`
	const ratio = `(1/)?[0-9]+\.[0-9]+`
	works := map[string]struct{ value, asked string }{
		"export": {speed, "notify"}, "write": {speed, "notify"},
		"report": {took, "report"}, "list": {took, "list_traces"}, "summaries": {took, "list_traces"},
	}
	for _, p := range stores {
		for work, of := range works {
			python, times := of.value, ratio
			if p.lacks[of.asked] != "" {
				python, times = "-", "-"
			}
			cells := []string{p.name, work, of.value, of.value, python, ratio + aim, times + aim, `\S.*`}
			if !regexp.MustCompile(`(?m)^ *` + strings.Join(cells, " +") + `$`).MatchString(out.String()) {
				t.Errorf("no row of %s with %s", work, p.name)
			}
		}
	}
}
