//go:build !windows

package files

import (
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

func systemClass(syscall.Errno) (serverstate.Class, bool) {
	return serverstate.Unknown, false
}
