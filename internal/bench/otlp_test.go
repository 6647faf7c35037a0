package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// TestMain lets the test binary also run as a process of the OTLP rows.
func TestMain(m *testing.M) {
	if work := os.Getenv(otlpEnvironment); work != "" {
		if err := beOTLP(context.Background(), work); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The comparison works on little data. Every span arrives with the times of its
// notifications, and each way has a line. Python's driver has four lines, and its spans
// have times of its own.
func TestOTLP(t *testing.T) {
	python, newest := testenv.Python(t), testenv.NewPython(t)
	var out bytes.Buffer
	if err := otlpTable(t.Context(), &out, python, newest, 2000); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	const ratio = `[0-9]+/s +[0-9.]+ +`
	row := regexp.MustCompile(`(?m)^ *(200|2000) +` + ratio + ratio + `[0-9]+ MB +100\.0% +100\.0% {2,}(relay\.Copy|osp forward), `)
	if n := len(row.FindAllString(out.String(), -1)); n != 8 {
		t.Errorf("%d rows of ours, not 8", n)
	}
	row = regexp.MustCompile(`(?m)^ *2000 +` + ratio + ratio + `[0-9]+ MB +[0-9.]+% +[0-9.]+% {2,}Python's OTLP driver, `)
	if n := len(row.FindAllString(out.String(), -1)); n != 4 {
		t.Errorf("%d rows of Python's driver, not 4", n)
	}
}
