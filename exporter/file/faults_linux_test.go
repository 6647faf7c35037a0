package file_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
)

// A disk that is full for a while costs what is exported meanwhile, and no more.
func TestDiskFullForAWhile(t *testing.T) {
	faults.FullDisk(t, func(folder string) string { return "file://" + folder + "/store.jsonl" }, "64m",
		": no space left on device")
}
