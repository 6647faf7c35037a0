package main

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The command lists the newest hundred of many traces in every store. For a million
// traces it needs less than 200 MB.
func TestMemory(t *testing.T) {
	python := testenv.Python(t)
	traces := 1000
	if testenv.Soak() {
		traces = 1_000_000
	}
	osp, err := buildCommand(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sharedSubjects(t) {
		t.Run(p.name, func(t *testing.T) {
			used, err := p.memory(t.Context(), osp, python, traces)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d MB, %s", used.Peak>>20, duration(used.Seconds))
			if used.Peak > memoryAim || used.Peak < 1<<20 {
				t.Errorf("%d bytes were resident, which should be %d at most", used.Peak, memoryAim)
			}
		})
	}
}
