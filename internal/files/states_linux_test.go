package files

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

func TestFileStates(t *testing.T) {
	statetest.Check(t, &States, "../../exporter/file/*_test.go", "../../docs/stores/states.md")
}

// Each error number of States is in the row with its own name.
func TestFileClass(t *testing.T) {
	if len(errnos) != len(States.States) {
		t.Fatalf("%d numbers for %d states", len(errnos), len(States.States))
	}
	for i, errno := range errnos {
		s := States.States[i]
		if name := unix.ErrnoName(errno); name != s.Code && s.Code != "ENOTSUP" {
			t.Errorf("%s stands in the row of %s", name, s.Code)
		}
		if got := ClassOf(&os.PathError{Op: "write", Path: "p", Err: errno}); got != s.Class {
			t.Errorf("%v is of the class %v, want %v", errno, got, s.Class)
		}
	}
	if got := ClassOf(errors.New("x")); got != serverstate.Unknown {
		t.Errorf("another error is of the class %v", got)
	}
}
