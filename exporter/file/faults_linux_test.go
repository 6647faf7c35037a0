package file_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
)

// While a disk is full for a while, only what is exported during that time is
// lost.
func TestDiskFullForAWhile(t *testing.T) {
	faults.FullDisk(t, func(folder string) string { return "file://" + folder + "/store.jsonl" }, "64m",
		": no space left on device")
}
