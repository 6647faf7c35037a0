//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// mayReplace returns an error if an old file must not be replaced. Only root
// can give a file to the user that it belongs to.
func mayReplace(path string, old fs.FileInfo) error {
	uid, _, known := backend.Owner(old)
	switch {
	case backend.Foreign(path, old):
		return errForeign
	case known && uid != os.Geteuid() && os.Geteuid() != 0:
		return fmt.Errorf("it belongs to another user (uid %d), and only root could keep it so; remove it, or name another file", uid)
	}
	return nil
}

// keepOwner gives a file the owner and the group of the old one, and returns
// the permissions that the file should get. If only the group cannot be kept,
// because the user is no member of it, keepOwner leaves the file in the user's
// group. Then the group and everybody else may do only what both could before.
func keepOwner(file *os.File, old fs.FileInfo) (fs.FileMode, error) {
	perm := old.Mode().Perm()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	uid, gid, known := backend.Owner(old)
	ours, ourGroup, _ := backend.Owner(info)
	if !known || ours == uid && ourGroup == gid {
		return perm, nil
	}
	err = file.Chown(uid, gid)
	if err != nil && ours == uid {
		both := perm >> 3 & perm & 0o007
		return perm&0o700 | both<<3 | both, nil
	}
	return perm, err
}
