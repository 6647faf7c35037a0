package file_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/store"
)

// After a process was killed while it wrote, the file has all batches that were
// acknowledged, and the next batch is written normally.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.jsonl")
	acknowledged := faults.Killed(t, "OSP_TEST_JOB=crash:"+path, 10)
	s, err := file.Open("file://" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Write(t.Context(), []osprofiler.Notification{{Name: "last-start", BaseID: "B"}}); err != nil {
		t.Fatal(err)
	}
	count, last := 0, ""
	for n, err := range s.Notifications(t.Context(), "B") {
		var damage *store.DamageError
		if errors.As(err, &damage) {
			continue // half a line
		}
		if err != nil {
			t.Fatal(err)
		}
		count, last = count+1, n.Name
	}
	if count <= acknowledged*perBatch || last != "last-start" {
		t.Errorf("%d notifications are there, %s the last, want more than %d", count, last, acknowledged*perBatch)
	}
}

// After a process was killed while it deleted traces, the file has all
// acknowledged batches of the other traces.
func TestDeleteCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.jsonl")
	acknowledged := faults.Killed(t, "OSP_TEST_JOB=delete:"+path, 10)
	s, err := file.Open("file://" + path)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	count := 0
	for _, err := range s.Notifications(t.Context(), "B") {
		var damage *store.DamageError
		if errors.As(err, &damage) {
			continue // half a line
		}
		must(t, err)
		count++
	}
	if count < acknowledged*perBatch {
		t.Errorf("%d notifications are there, want at least %d", count, acknowledged*perBatch)
	}
}
