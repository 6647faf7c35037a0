//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// mayReplace returns an error if an old file must not be replaced. Only root can
// give the new file to the owner of the old file.
func mayReplace(path string, old fs.FileInfo) error {
	uid, _, ok := files.Owner(old)
	switch {
	case files.Foreign(path, old):
		return errForeign
	case ok && uid != os.Geteuid() && os.Geteuid() != 0:
		return fmt.Errorf("it belongs to another user (uid %d), and only root could preserve its owner; remove it, or use another path", uid)
	}
	return nil
}

// keepOwner gives a file the owner and the group of the old file, and returns the
// permissions that the file should get. If the user is not a member of the old
// group, the file stays in the user's group. The group and all other users then get
// only the permissions that both had for the old file.
func keepOwner(file *os.File, old fs.FileInfo) (fs.FileMode, error) {
	perm := old.Mode().Perm()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	uid, gid, ok := files.Owner(old)
	ours, ourGroup, _ := files.Owner(info)
	if !ok || ours == uid && ourGroup == gid {
		return perm, nil
	}
	err = file.Chown(uid, gid)
	if err != nil && ours == uid {
		both := perm >> 3 & perm & 0o007
		return perm&0o700 | both<<3 | both, nil
	}
	return perm, err
}
