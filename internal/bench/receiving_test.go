package main

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The relay stores every span of little data in Redis. The Collector is not built here,
// because that takes a minute.
func TestReceiving(t *testing.T) {
	testenv.Redis(t)
	var out bytes.Buffer
	if err := receivingTable(t.Context(), &out, 2*perRequest, 1, false); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if row := regexp.MustCompile(`(?m)^ *[0-9]+/s +[0-9]+/s +[0-9]+ MB +1\.00 +1\.00 {2,}osp forward`); !row.MatchString(out.String()) {
		t.Error("no row of the relay")
	}
}
