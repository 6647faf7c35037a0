package backend

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

func TestFileStates(t *testing.T) {
	statetest.Check(t, &FileStates, "../../exporter/file/*_test.go", "../../docs/stores/states.md")
}

// Each number stands in the row of its own name.
func TestFileClass(t *testing.T) {
	if len(errnos) != len(FileStates.States) {
		t.Fatalf("%d numbers for %d states", len(errnos), len(FileStates.States))
	}
	for i, errno := range errnos {
		s := FileStates.States[i]
		if name := unix.ErrnoName(errno); name != s.Code && s.Code != "ENOTSUP" {
			t.Errorf("%s stands in the row of %s", name, s.Code)
		}
		if got := FileClass(&os.PathError{Op: "write", Path: "p", Err: errno}); got != s.Class {
			t.Errorf("%v is of the class %v, want %v", errno, got, s.Class)
		}
	}
	if got := FileClass(errors.New("x")); got != serverstate.Unknown {
		t.Errorf("another error is of the class %v", got)
	}
}
