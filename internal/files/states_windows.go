package files

import (
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// Failures of Windows that go away, from its list of system error codes.
const (
	sharingViolation = syscall.Errno(32)
	lockViolation    = syscall.Errno(33)
	handleDiskFull   = syscall.Errno(39)
	diskFull         = syscall.Errno(112)
)

func systemClass(errno syscall.Errno) (serverstate.Class, bool) {
	switch errno {
	case sharingViolation, lockViolation, handleDiskFull, diskFull:
		return serverstate.Passes, true
	}
	return serverstate.Unknown, false
}
