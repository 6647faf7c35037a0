//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// openDescriptor returns the open file that a path like /dev/stdout or
// /dev/fd/3 names, after its links are resolved. It returns nil if the path
// names none. To open such a path would be wrong, because a regular file behind
// it would be written from its start. A descriptor that osp opened itself (a
// store, a connection) is an error. Such descriptors are closed by exec, and
// inherited ones are not, or osp would not have them.
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
