//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// openDescriptor returns the open file of a path like /dev/stdout or /dev/fd/3,
// after its links are resolved. It returns nil for any other path. Opening such a
// path would be wrong, because a regular file would then be written from its start.
//
// A descriptor that osp opened itself (a store, a connection) is an error. The flag
// FD_CLOEXEC marks these descriptors. Inherited descriptors do not have the flag,
// because exec would have closed them.
func openDescriptor(path string) (*os.File, error) {
	dir, base := filepath.Split(path)
	if dir != "/dev/fd/" && dir != fmt.Sprintf("/proc/%d/fd/", os.Getpid()) {
		return nil, nil
	}
	number, err := strconv.ParseUint(base, 10, 31)
	if err != nil {
		return nil, nil //nolint:nilerr // not the path of a descriptor
	}
	flags, err := unix.FcntlInt(uintptr(number), unix.F_GETFD, 0)
	switch {
	case err != nil:
		return nil, err
	case flags&unix.FD_CLOEXEC != 0:
		return nil, fmt.Errorf("the descriptor %d was not open when osp started", number)
	case number == 1:
		return os.Stdout, nil
	case number == 2:
		return os.Stderr, nil
	}
	return os.NewFile(uintptr(number), path), nil
}
